package org.objmapper.server.cli;

import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import org.newsclub.net.unix.AFUNIXSocketAddress;
import org.newsclub.net.unix.AFUNIXSocketChannel;
import org.newsclub.net.unix.FileDescriptorCast;

/** Connections that receive descriptors: apart from the others because loading junixsocket takes longer than most commands. */
final class DescriptorChannel {
    private static final int CONTROL_BYTES = 1_024;

    private DescriptorChannel() {}

    static SocketChannel open(Path socket) throws IOException {
        AFUNIXSocketChannel channel = AFUNIXSocketChannel.open();
        try {
            channel.connect(AFUNIXSocketAddress.of(socket));
            channel.ensureAncillaryReceiveBufferSize(CONTROL_BYTES);
            return channel;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /** The descriptors that arrived since the last call; they are closed with the channel. */
    static FileDescriptor[] take(SocketChannel channel) throws IOException {
        return ((AFUNIXSocketChannel) channel).getReceivedFileDescriptors();
    }

    /** The number that a descriptor has in this process. */
    static int number(FileDescriptor descriptor) throws IOException {
        return FileDescriptorCast.using(descriptor).as(Integer.class);
    }
}
