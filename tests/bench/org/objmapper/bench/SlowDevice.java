package org.objmapper.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.objmapper.client.Body;
import org.objmapper.client.Key;
import org.objmapper.client.ObjmapperClient;

/** A server with two devices: one where each read takes 20 ms, and one that is as fast as the machine has it. */
final class SlowDevice implements AutoCloseable {
    private static final String SLOW = "https://bench.example/slow/";
    private static final int OBJECTS = 16;
    private static final long SIZE = 64 << 10;

    private final Process mount;
    private final Path mountpoint;
    private final ObjmapperServer server;

    /** Puts an object on the fast device while there is no other, then others on the slow one by its weight. */
    private SlowDevice(Lab lab) throws Exception {
        Path data = lab.newDirectory("slow-device");
        Path source = Files.createDirectory(data.resolve("slow"));
        mountpoint = Files.createDirectory(data.resolve("mount"));
        try (ObjmapperServer alone = lab.start(Setup.DEFAULT, data)) {
            lab.storing(alone, SIZE);
        }
        mount = new ProcessBuilder("native/target/cmake/dev/fuse/faulty-fs", source.toString(), mountpoint.toString())
                .redirectErrorStream(true)
                .start();
        expect("mounted");
        server = lab.start(
                Setup.DEFAULT,
                Setup.DEFAULT.toml.replace("[store]", "[store]\ndevice_weight = 1")
                        + "[[device]]\nweight = 10000\ndirectory = \"" + mountpoint.resolve("device") + "\"\n",
                data);
        try (ObjmapperClient client = ObjmapperClient.builder(server.socket()).build()) {
            for (int i = 0; i < OBJECTS; i++) {
                client.put(Key.of(SLOW + i), Body.of(lab.file(SIZE)));
            }
        }
        mount.getOutputStream().write("delay read 20\n".getBytes(StandardCharsets.US_ASCII));
        mount.getOutputStream().flush();
        expect("ok");
    }

    /** The load on the fast device. */
    static Side fast(int connections) {
        return lab -> lab.load(
                "bench_client",
                of(lab).server.socket(),
                connections,
                lab.scale().seconds(),
                "copy",
                1,
                Lab.key(SIZE));
    }

    /** Copies from the slow device. */
    static AutoCloseable copySlow(Lab lab) throws Exception {
        SlowDevice device = of(lab);
        return Daemon.startReady(
                lab.program("cold_client"),
                device.server.socket().toString(),
                device.mountpoint.toString(),
                "4",
                SLOW,
                Integer.toString(OBJECTS));
    }

    private static SlowDevice of(Lab lab) throws Exception {
        return lab.once(SlowDevice.class, "slow-device", () -> new SlowDevice(lab));
    }

    private void expect(String answer) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = mount.getInputStream().read();
                c >= 0 && c != '\n';
                c = mount.getInputStream().read()) {
            line.append((char) c);
        }
        if (!line.toString().equals(answer)) {
            throw new IOException("the slow file system says " + line);
        }
    }

    @Override
    public void close() throws Exception {
        server.close();
        mount.destroy(); // it takes its mount away
        mount.waitFor();
    }
}
