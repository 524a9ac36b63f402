package org.objmapper.server.badinput;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.objmapper.server.store.StoreOptions;
import org.objmapper.server.store.device.DeviceOptions;
import org.objmapper.server.transport.ServerUnderTest;

/** A server with two devices, one of them on a {@link FaultyFileSystem}. */
final class ServerOnFaultyDevice implements AutoCloseable {
    final FaultyFileSystem disk;
    final Path socket;
    private final Path faulty;
    private final ServerUnderTest server;

    ServerOnFaultyDevice(Path directory, int loops) throws IOException {
        Path source = Files.createDirectory(directory.resolve("source"));
        Path mounted = Files.createDirectory(directory.resolve("mounted"));
        faulty = source.resolve("faulty");
        disk = new FaultyFileSystem(source, mounted);
        Path sound = Files.createDirectory(directory.resolve("sound"));
        Files.createDirectory(faulty);
        server = new ServerUnderTest(
                directory,
                ServerUnderTest.LIMITS,
                loops,
                StoreOptions.of(sound)
                        .withDevices(
                                DeviceOptions.USUAL_WEIGHT,
                                List.of(DeviceOptions.of(mounted.resolve(faulty.getFileName())))));
        socket = server.socket;
    }

    /** Whether the key's body stands on the device that can fail. */
    boolean hasOnFaulty(String key) throws IOException, NoSuchAlgorithmException {
        String digest = HexFormat.of()
                .formatHex(MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8)));
        Path shard = faulty.resolve("objects/" + digest.substring(0, 2) + "/" + digest.substring(2, 4));
        if (!Files.isDirectory(shard)) {
            return false;
        }
        try (Stream<Path> files = Files.list(shard)) {
            return files.anyMatch(file -> file.getFileName().toString().startsWith(digest.substring(4)));
        }
    }

    /** Lets all calls go well again, and ends. */
    @Override
    public void close() throws IOException {
        disk.clearAll();
        server.close();
        disk.close();
    }
}
