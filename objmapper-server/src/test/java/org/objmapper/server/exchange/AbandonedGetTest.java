package org.objmapper.server.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.Store;
import org.objmapper.server.store.StoreOptions;

/** A GET whose session ends while what it waited for is on its way to the loop. */
class AbandonedGetTest {
    @TempDir
    Path directory;

    @Test
    void hasNothingToDoWhenItIsRunOnceMore() throws Exception {
        ByteBuffer bytes = ByteBuffer.allocateDirect(256).order(ByteOrder.LITTLE_ENDIAN);
        new FrameWriter()
                .wrap(bytes)
                .begin(Operation.GET, 0, 1, Status.OK, 0)
                .text(MetadataType.KEY, "key")
                .end();
        MetadataReader metadata = new MetadataReader().wrap(bytes, Limits.HEADER, bytes.position() - Limits.HEADER);
        try (Store store = Store.open(StoreOptions.of(directory))) {
            Exchange get = new Exchanges(store).create(Operation.GET, null, null);
            get.decode(new Frame().wrap(bytes, 0), metadata);
            get.abandon();

            assertThat(get.run()).isTrue();
        }
    }
}
