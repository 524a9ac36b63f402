package org.objmapper.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.FileInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.newsclub.net.unix.AFUNIXServerSocket;
import org.newsclub.net.unix.AFUNIXSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;

@Timeout(60)
class ConnectionTest {
    @TempDir
    private Path directory;

    @Test
    void itsPeerSeesItsEndWhileAFileOfItIsStillOpen() throws Exception {
        Path body = Files.write(directory.resolve("body"), new byte[] {7});
        AFUNIXSocketAddress address = AFUNIXSocketAddress.of(directory.resolve("socket"));
        try (AFUNIXServerSocket server = AFUNIXServerSocket.bindOn(address);
                FileInputStream opened = new FileInputStream(body.toFile())) {
            AFUNIXSocket socket = AFUNIXSocket.newInstance();
            socket.connect(address);
            Connection connection = new Connection(socket);
            try (AFUNIXSocket peer = server.accept();
                    FileInputStream file = connection.own(opened.getFD())) {
                connection.end();

                assertThat(peer.getInputStream().read()).isEqualTo(-1);
                assertThat(file.read()).isEqualTo(7);
            }
        }
    }
}
