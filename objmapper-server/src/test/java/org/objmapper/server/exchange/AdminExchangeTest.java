package org.objmapper.server.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Proxy;
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

/** ADMIN from somebody who is neither root nor the server's own user. */
class AdminExchangeTest {
    private static final int SOMEBODY = 12_345;
    private static final int NOBODY = 65_534;

    @TempDir
    Path directory;

    private final ByteBuffer answer = ByteBuffer.allocateDirect(1 << 16).order(ByteOrder.LITTLE_ENDIAN);

    private static <T> T fake(Class<T> type, Object answer) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (proxy, method, arguments) -> method.getReturnType().isInstance(answer)
                                || answer instanceof Integer && method.getReturnType() == int.class
                        ? answer
                        : null));
    }

    private Status answerTo(int uid) throws Exception {
        ByteBuffer request = ByteBuffer.allocateDirect(256).order(ByteOrder.LITTLE_ENDIAN);
        new FrameWriter()
                .wrap(request)
                .begin(Operation.ADMIN, 0, 1, Status.OK, 0)
                .text(MetadataType.COMMAND, "device list")
                .end();
        MetadataReader metadata = new MetadataReader().wrap(request, Limits.HEADER, request.position() - Limits.HEADER);
        FrameWriter writer = new FrameWriter().wrap(answer.clear());
        try (Store store = Store.open(StoreOptions.of(directory))) {
            Exchange admin =
                    new Exchanges(store).create(Operation.ADMIN, fake(Peer.class, uid), fake(Output.class, writer));
            admin.decode(new Frame().wrap(request, 0), metadata);
            assertThat(admin.run()).isTrue();
            writer.end();
        }
        return Status.of(new Frame().wrap(answer, 0).status());
    }

    @Test
    void isDenied() throws Exception {
        assertThat(answerTo(SOMEBODY)).isEqualTo(Status.DENIED);
        assertThat(answerTo(NOBODY)).isEqualTo(Status.DENIED);
    }
}
