package org.objmapper.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.objmapper.client.ScriptedServer.Peer;
import org.objmapper.client.ScriptedServer.Received;
import org.objmapper.client.ScriptedServer.Script;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** A PUT of a path: whether the file's descriptor goes, or its bytes. */
class PassedFileTest extends AgainstScript {
    private static final Key KEY = Key.of("key");

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    private static void expectDescriptor(Received put, byte[] bytes, Peer peer) throws IOException {
        assertThat(put.operation).isEqualTo(Operation.PUT);
        assertThat(put.descriptors).isEqualTo(1);
        assertThat(put.more).isFalse();
        assertThat(put.body).isEmpty();
        assertThat(put.objectLength).isEqualTo(bytes.length);
        assertThat(peer.readPassed()).isEqualTo(bytes);
    }

    private static void expectBytes(Received put, byte[] bytes, Peer peer) throws IOException {
        assertThat(put.operation).isEqualTo(Operation.PUT);
        assertThat(put.descriptors).isZero();
        assertThat(put.more).isTrue();
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        for (Received next = peer.receive(); next.operation != Operation.END; next = peer.receive()) {
            assertThat(next.operation).isEqualTo(Operation.DATA);
            body.write(next.body);
        }
        assertThat(body.toByteArray()).isEqualTo(bytes);
    }

    private static void answer(Received put, Peer peer) throws IOException {
        peer.reply(put, Status.OK, new byte[0]);
    }

    @Test
    void aFileLongerThanAFrameIsPassedAndAShorterOneIsSent() throws Exception {
        byte[] longer = random(Session.DATA_BYTES + 1);
        byte[] shorter = random(Session.DATA_BYTES);
        try (Script script = server.serve(peer -> {
            Received first = peer.receive();
            expectDescriptor(first, longer, peer);
            answer(first, peer);
            Received second = peer.receive();
            expectBytes(second, shorter, peer);
            answer(second, peer);
        })) {
            client.put(KEY, Body.of(Files.write(directory.resolve("longer"), longer)));
            client.put(KEY, Body.of(Files.write(directory.resolve("shorter"), shorter)));
        }
        assertThat(openFilesIn(directory)).isZero();
    }

    @Test
    void aServerThatRefusesADescriptorGetsTheBytesAndIsNotAskedAgain() throws Exception {
        byte[] bytes = random(Session.DATA_BYTES + 1);
        Path file = Files.write(directory.resolve("file"), bytes);
        try (Script script = server.serve(peer -> {
            Received passed = peer.receive();
            expectDescriptor(passed, bytes, peer);
            peer.reply(passed, Status.BAD_DESCRIPTOR, new byte[0]);
            for (int i = 0; i < 2; i++) {
                Received put = peer.receive();
                expectBytes(put, bytes, peer);
                answer(put, peer);
            }
        })) {
            client.put(KEY, Body.of(file));
            client.put(KEY, Body.of(file));
        }
    }

    @Test
    void aServerThatTakesNoTwoDescriptorsGetsTheBytes() throws Exception {
        server.maxDescriptors = 1;
        byte[] bytes = random(Session.DATA_BYTES + 1);
        try (Script script = server.serve(peer -> {
            Received put = peer.receive();
            expectBytes(put, bytes, peer);
            answer(put, peer);
        })) {
            client.put(KEY, Body.of(Files.write(directory.resolve("file"), bytes)));
        }
    }

    @Test
    void aFileInsideAnArchiveIsSent() throws Exception {
        byte[] bytes = random(Session.DATA_BYTES + 1);
        URI archive = URI.create("jar:" + directory.resolve("archive.zip").toUri());
        try (FileSystem zip = FileSystems.newFileSystem(archive, Map.of("create", "true"));
                Script script = server.serve(peer -> {
                    Received put = peer.receive();
                    expectBytes(put, bytes, peer);
                    answer(put, peer);
                })) {
            client.put(KEY, Body.of(Files.write(zip.getPath("file"), bytes)));
        }
    }

    @Test
    void manyFilesAtOnceKeepTheirOwnDescriptors() throws Exception {
        int many = 100;
        client.close();
        ExecutorService threads = Executors.newFixedThreadPool(8);
        client = builder().executor(threads).build();
        try (Script script = server.serve(peer -> {
            for (int i = 0; i < many; i++) {
                Received put = peer.receive();
                expectDescriptor(put, random(Math.toIntExact(put.objectLength)), peer);
                answer(put, peer);
            }
        })) {
            List<CompletableFuture<?>> puts = new ArrayList<>();
            for (int i = 1; i <= many; i++) {
                byte[] bytes = random(Session.DATA_BYTES + i);
                Path file = Files.write(directory.resolve("file" + i), bytes);
                puts.add(client.putAsync(Key.of("key" + i), Body.of(file), new PutOptions()));
            }
            for (CompletableFuture<?> put : puts) {
                put.get();
            }
        } finally {
            client.close();
            threads.shutdown();
        }
        assertThat(openFilesIn(directory)).isZero();
    }

    private static long openFilesIn(Path directory) throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.filter(descriptor -> leadsInto(descriptor, directory)).count();
        }
    }

    private static boolean leadsInto(Path descriptor, Path directory) {
        try {
            return Files.readSymbolicLink(descriptor).startsWith(directory);
        } catch (IOException e) {
            return false; // closed meanwhile
        }
    }
}
