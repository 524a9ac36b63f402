package org.objmapper.server.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.ListEntry;
import org.objmapper.protocol.MalformedFrame;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;

/** A series of LIST requests that together give every object with a prefix, page by page. */
final class Listing {
    private final ToolSession session;
    private final byte[] prefix;
    private long left;
    private byte @Nullable [] cursor;
    private boolean ended;

    Listing(ToolSession session, byte[] prefix, long limit) {
        this.session = session;
        this.prefix = prefix;
        this.left = limit;
    }

    /** The next page; empty at the end. */
    List<ListEntry> next() throws IOException, ToolFailure {
        List<ListEntry> entries = List.of();
        while (!ended && left > 0 && entries.isEmpty()) {
            entries = page();
            left -= entries.size();
        }
        return entries;
    }

    private List<ListEntry> page() throws IOException, ToolFailure {
        FrameWriter writer = session.request(Operation.LIST);
        if (prefix.length > 0) {
            writer.bytes(MetadataType.PREFIX, prefix);
        }
        if (cursor != null) {
            writer.bytes(MetadataType.CURSOR, cursor);
        }
        writer.u32(MetadataType.LIMIT, (int) Math.min(left, Limits.DEFAULT_LIST));
        session.call("");
        cursor = session.metadata().find(MetadataType.CURSOR)
                ? session.metadata().bytes()
                : null;
        ended = cursor == null;
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        new Download(session, "the listing").transferTo(chunk -> {
            byte[] bytes = new byte[chunk.remaining()];
            chunk.get(bytes);
            body.writeBytes(bytes);
        });
        return parse(ByteBuffer.wrap(body.toByteArray()).order(ByteOrder.LITTLE_ENDIAN));
    }

    private static List<ListEntry> parse(ByteBuffer body) throws IOException {
        List<ListEntry> entries = new ArrayList<>();
        try {
            while (body.hasRemaining()) {
                entries.add(ListEntry.read(body));
            }
        } catch (MalformedFrame e) {
            throw new IOException("the server broke clause " + e.clause() + " of the protocol: " + e.getMessage(), e);
        }
        return entries;
    }
}
