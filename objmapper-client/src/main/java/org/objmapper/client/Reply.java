package org.objmapper.client;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;

/** One whole answer. Whoever holds it owns its descriptor or body until a {@link StoredObject} takes them. */
final class Reply {
    final Status status;
    final long objectLength;
    final byte[] metadata;
    final @Nullable FileInputStream descriptor;
    final CopiedBody body;
    /** The validity table of the session that it came by; null where that has none. */
    final @Nullable ValidityTable table;
    /** A moment before the request was sent. */
    final long askedNanos;

    Reply(
            Status status,
            long objectLength,
            byte[] metadata,
            @Nullable FileInputStream descriptor,
            CopiedBody body,
            @Nullable ValidityTable table,
            long askedNanos) {
        this.status = status;
        this.objectLength = objectLength;
        this.metadata = metadata;
        this.descriptor = descriptor;
        this.body = body;
        this.table = table;
        this.askedNanos = askedNanos;
    }

    /** The same answer with the status that its END brought. */
    Reply ended(Status end) {
        return new Reply(end, objectLength, metadata, descriptor, body, table, askedNanos);
    }

    MetadataReader reader() {
        return new MetadataReader().trust(ByteBuffer.wrap(metadata).order(ByteOrder.LITTLE_ENDIAN), 0, metadata.length);
    }

    OptionalLong u64(MetadataType type) {
        MetadataReader reader = reader();
        return reader.find(type) ? OptionalLong.of(reader.u64()) : OptionalLong.empty();
    }

    /** The server's sentence, or the status's own. */
    String message() {
        MetadataReader reader = reader();
        return reader.find(MetadataType.MESSAGE) ? reader.text() : status.sentence();
    }

    void discard() {
        body.discard();
        if (descriptor != null) {
            try {
                descriptor.close();
            } catch (IOException e) {
                // Nothing was written through it, so there is nothing to lose.
                return;
            }
        }
    }
}
