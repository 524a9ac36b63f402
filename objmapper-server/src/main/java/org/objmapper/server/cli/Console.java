package org.objmapper.server.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * What a command talks to: data goes to {@link #out}, talk to {@link #err}.
 *
 * @param out data; a write to it fails when its reader is gone
 * @param speaker what messages begin with, so that the reader of a pipeline's messages knows whose they are
 * @param isProcess whether in, out and err are the process's own
 */
record Console(
        InputStream in,
        OutputStream out,
        PrintStream err,
        Map<String, String> environment,
        String speaker,
        boolean isProcess) {
    private static final String PROGRAM = "objmapper";
    private static final String IN = "the standard input";
    private static final String OUT = "the standard output";

    /** The message of the error that {@link #out} gives when its reader is gone. */
    static final String READER_IS_GONE = OUT + ": Broken pipe";

    /** The process's own. */
    static Console ofProcess() {
        OutputStream out =
                new BufferedOutputStream(new NamedOutput(OUT, new FileOutputStream(FileDescriptor.out)), 65_536);
        return new Console(new NamedInput(IN, System.in), out, System.err, System.getenv(), PROGRAM, true);
    }

    /** Other streams than the process's. */
    static Console of(InputStream in, OutputStream out, PrintStream err, Map<String, String> environment) {
        return new Console(in, out, err, environment, PROGRAM, false);
    }

    /** The same, in which a command of the tool speaks. */
    Console ofCommand(String name) {
        return new Console(in, out, err, environment, PROGRAM + " " + name, isProcess);
    }

    /** Says what went wrong. */
    void complain(String message) {
        err.println(speaker + ": " + Shown.message(message));
    }

    /** Writes a line of data. */
    void line(String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.write('\n');
    }

    /** Whether a person looks at {@link #out}, as far as can be told. */
    boolean outIsTerminal() {
        return isProcess && isTerminal(1);
    }

    /** Whether a person looks at {@link #err}, as far as can be told. */
    boolean errIsTerminal() {
        return isProcess && isTerminal(2);
    }

    private static boolean isTerminal(int descriptor) {
        String target = fileOf(descriptor);
        return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
    }

    private static String fileOf(int descriptor) {
        try {
            return java.nio.file.Files.readSymbolicLink(java.nio.file.Path.of("/proc/self/fd/" + descriptor))
                    .toString();
        } catch (IOException e) {
            return "";
        }
    }
}
