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
 */
record Console(InputStream in, OutputStream out, PrintStream err, Map<String, String> environment) {
    private static final String OUT = "the standard output";

    /** The message of the error that {@link #out} gives when its reader is gone. */
    static final String READER_IS_GONE = OUT + ": Broken pipe";

    /** The process's own. */
    static Console ofProcess() {
        OutputStream out =
                new BufferedOutputStream(new NamedOutput(OUT, new FileOutputStream(FileDescriptor.out)), 65_536);
        return new Console(System.in, out, System.err, System.getenv());
    }

    /** Writes a line of data. */
    void line(String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.write('\n');
    }

    /** Whether a person looks at {@link #err}, as far as can be told. */
    boolean errIsTerminal() {
        String target = fileOf(2);
        return err == System.err && (target.startsWith("/dev/pts/") || target.startsWith("/dev/tty"));
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
