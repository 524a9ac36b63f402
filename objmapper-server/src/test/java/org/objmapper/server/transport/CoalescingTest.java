package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import jnr.posix.CmsgHdr;
import jnr.posix.MsgHdr;
import jnr.posix.POSIX;
import jnr.posix.POSIXFactory;
import org.junit.jupiter.api.Test;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Status;

/** Replies that are ready together travel together. */
class CoalescingTest extends AgainstServer {
    /** The kernel's limit. */
    private static final int MOST_IN_A_MESSAGE = 253;

    private static final int LENGTH = 100_000;

    @Test
    void asManyDescriptorsAsAMessageTakesGoWithOne() throws Exception {
        try (RawClient client = RawClient.passing(server.socket, MOST_IN_A_MESSAGE)) {
            client.send(RawClient.putDurably(1, "key", new byte[LENGTH])); // and nothing changes later
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            client.send(RawClient.get(2, "key", Mode.FDPASS)); // at hand from now on
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            assertThat(client.takeDescriptors()).hasSize(1);

            client.send(gets(MOST_IN_A_MESSAGE));

            assertThat(descriptorsOfOneMessage(client)).isEqualTo(MOST_IN_A_MESSAGE);
        }
    }

    private static ByteBuffer gets(int count) {
        ByteBuffer all =
                ByteBuffer.allocate(count * RawClient.get(1, "key", Mode.FDPASS).remaining());
        for (int id = 1; id <= count; id++) {
            all.put(RawClient.get(id, "key", Mode.FDPASS));
        }
        return all.flip();
    }

    /** Receives the beginning of a message, with which all its descriptors come; they are closed. */
    private static int descriptorsOfOneMessage(RawClient client) throws Exception {
        POSIX posix = POSIXFactory.getNativePOSIX();
        MsgHdr message = posix.allocateMsgHdr();
        message.setIov(new ByteBuffer[] {ByteBuffer.allocateDirect(LENGTH)});
        message.allocateControl(MOST_IN_A_MESSAGE * Integer.BYTES);
        assertThat(posix.recvmsg(client.socket(), message, 0)).isPositive();
        CmsgHdr control = message.getControls()[0];
        IntBuffer descriptors = control.getData().order(ByteOrder.nativeOrder()).asIntBuffer();
        int count = descriptors.remaining();
        while (descriptors.hasRemaining()) {
            NativeIo.close(descriptors.get());
        }
        return count;
    }
}
