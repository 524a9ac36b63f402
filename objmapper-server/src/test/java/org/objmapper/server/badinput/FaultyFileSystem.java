package org.objmapper.server.badinput;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A mount of tests/fuse/faulty_fs.c, which shows a directory and fails when it is told to. It goes when it is closed, or this JVM ends. */
public final class FaultyFileSystem implements AutoCloseable {
    private static final long MINUTES = 2;

    private final Process process;
    private final OutputStream commands;
    private final BlockingQueue<String> answers = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> hanging = new LinkedBlockingQueue<>();
    private final Thread reader;
    /** The operations that were told to fail or hang. */
    private final Set<String> faults = new HashSet<>();

    /** Shows {@code source} at {@code mountpoint}; both must exist. */
    public FaultyFileSystem(Path source, Path mountpoint) throws IOException {
        process = new ProcessBuilder(program(), source.toString(), mountpoint.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        commands = process.getOutputStream();
        reader = new Thread(this::read, "faulty-fs");
        reader.setDaemon(true);
        reader.start();
        expect("mounted");
    }

    private static String program() {
        return System.getProperty("objmapper.root") + "/native/target/cmake/"
                + System.getProperty("objmapper.preset", "dev") + "/fuse/faulty-fs";
    }

    private void read() {
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("hangs ")) {
                    hanging.add(line.substring("hangs ".length()));
                } else {
                    answers.add(line);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void expect(String answer) {
        assertThat(poll(answers)).as("what faulty-fs says").isEqualTo(answer);
    }

    private static String poll(BlockingQueue<String> lines) {
        try {
            return lines.poll(MINUTES, TimeUnit.MINUTES);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void command(String line) throws IOException {
        commands.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        commands.flush();
        expect("ok");
    }

    /** From now on the operation fails with an error such as EIO. */
    public void fail(String operation, String error) throws IOException {
        faults.add(operation);
        command("fail " + operation + " " + error);
    }

    /** From now on a read or write fails that reaches to or behind the offset. */
    public void failFrom(String operation, String error, long offset) throws IOException {
        faults.add(operation);
        command("fail " + operation + " " + error + " " + offset);
    }

    /** From now on calls of the operation do not come back. */
    public void hang(String operation) throws IOException {
        faults.add(operation);
        command("hang " + operation);
    }

    /** Lets all go well again; calls that hang go on. */
    public void clear(String operation) throws IOException {
        command("clear " + operation);
    }

    /** Lets all operations go well again. */
    void clearAll() throws IOException {
        for (String operation : faults) {
            clear(operation);
        }
    }

    /** From now on only files of this name meet faults. */
    public void only(String name) throws IOException {
        command("only " + name);
    }

    /** Waits until another call of the operation hangs. */
    public void awaitHanging(String operation) {
        assertThat(poll(hanging)).as("what hangs").isEqualTo(operation);
    }

    /** Waits until another call hangs, whichever. */
    public void awaitHanging() {
        assertThat(poll(hanging)).isNotNull();
    }

    /** Takes the mount away; who hangs in it gets an error. */
    @Override
    public void close() throws IOException {
        commands.close();
        try {
            assertThat(process.waitFor()).as("how faulty-fs ends").isZero();
            reader.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
