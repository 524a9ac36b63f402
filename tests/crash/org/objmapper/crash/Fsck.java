package org.objmapper.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** What {@code objmapperd fsck} says of a store that no server uses. */
final class Fsck {
    private static final int LEFT_OR_LOST = 4;

    private Fsck() {}

    private record Report(int exitCode, List<String> lines) {}

    private static Report run(Path data) throws IOException, InterruptedException {
        Path program = Path.of(System.getProperty("objmapper.dist"), "bin", "objmapperd");
        Process process = new ProcessBuilder(program.toString(), "fsck", "--data", data.toString())
                .redirectErrorStream(true)
                .start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Report(process.waitFor(), out.lines().toList());
    }

    /** After recovery: nothing is wrong. */
    static void expectClean(Path data) throws IOException, InterruptedException {
        Report report = run(data);
        assertThat(report.exitCode())
                .as("fsck: " + String.join("\n", report.lines))
                .isZero();
    }

    /** After a kill: files that no object has yet, or any more, are for recovery to remove; all else is as it should be. */
    static void expectNothingButOrphans(Path data) throws IOException, InterruptedException {
        Report report = run(data);
        assertThat(report.exitCode())
                .as("fsck: " + String.join("\n", report.lines))
                .isIn(0, LEFT_OR_LOST);
        assertThat(report.lines.subList(0, report.lines.size() - 1))
                .allMatch(line -> line.endsWith(" is no object's; a server removes it after its start")
                        || line.endsWith(" is no object's; --repair removes it")); // where there is no object at all
    }
}
