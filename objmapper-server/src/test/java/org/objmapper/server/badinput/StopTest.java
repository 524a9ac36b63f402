package org.objmapper.server.badinput;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.transport.RawClient;

/** A process of objmapperd that is told to stop, by one signal or by two. */
@Timeout(120)
class StopTest {
    @TempDir
    Path directory;

    @Test
    void aSignalWaitsForABodyThatIsComingInAndASecondOneDoesNot() throws Exception {
        Path socket = directory.resolve("s");
        Path configuration = Files.writeString(directory.resolve("c.toml"), """
                [[listener]]
                path = "%s"
                [store]
                capacity = "1 GiB"
                [timeouts]
                drain = "10 min"
                """.formatted(socket));
        try (ServerProcess server = ServerProcess.serve(directory, List.of(), "-c", configuration.toString());
                RawClient client = RawClient.greeted(socket)) {
            client.send(RawClient.frame(w -> w.begin(Operation.PUT, Frame.MORE, 1, Status.OK, Limits.UNKNOWN)
                    .text(MetadataType.KEY, "key")));
            client.send(RawClient.ping(2));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            server.terminate();
            assertThat(client.receive().operation()).isEqualTo(Operation.GOODBYE);
            client.send(RawClient.ping(3));
            assertThat(client.receive().status()).isEqualTo(Status.SHUTTING_DOWN); // and the session goes on

            server.terminate();
            assertThat(server.awaitExit()).as(server::log).isZero();
            assertThat(client.isClosedByServer()).isTrue();
        }
    }
}
