package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The examples of docs/examples/c, built as a newcomer would build them, against a server of the distribution. */
class CExamplesTest extends AgainstServer {
    private static final Path EXAMPLES = Path.of(System.getProperty("objmapper.dist"))
            .resolve("../../docs/examples/c")
            .normalize();

    @Test
    void aBatchOfTenThousandIsAnswered() throws Exception {
        build("batch");

        Outcome batch = run("./batch " + server.socket);

        assertThat(batch.exitCode()).as(batch.err()).isZero();
        assertThat(batch.out()).isEqualTo("10000 answers\n");
    }

    @Test
    void getWritesTheObjectAndSaysWhenThereIsNone() throws Exception {
        build("get");
        String text = "a line of the body\n".repeat(10_000);
        Files.writeString(directory.resolve("file"), text);
        Outcome put = run(Distribution.program("objmapper") + " put --socket " + server.socket + " key file");
        assertThat(put.exitCode()).as(put.err()).isZero();

        Outcome found = run("./get " + server.socket + " key");
        Outcome absent = run("./get " + server.socket + " absent");

        assertThat(found.exitCode()).as(found.err()).isZero();
        assertThat(found.out()).isEqualTo(text);
        assertThat(absent.exitCode()).isEqualTo(1);
    }

    @Test
    void mirrorStoresAllUnderAnotherPrefixWithTagsAndTime() throws Exception {
        build("mirror");
        for (int i = 0; i < 40; i++) {
            Files.write(Files.createDirectories(directory.resolve("tree")).resolve("f" + i), new byte[i * 1_000]);
        }
        String tool = Distribution.program("objmapper").toString();
        String socket = " --socket " + server.socket + " ";
        Outcome put = run(tool + " import" + socket + "--prefix a/ --tag t --tag u --ttl 1h tree");
        assertThat(put.exitCode()).as(put.err()).isZero();

        Outcome mirrored = run("./mirror " + server.socket + " a/ b/");
        assertThat(mirrored.out()).as(mirrored.err()).isEqualTo("40 mirrored, 0 left out\n");
        assertThat(mirrored.exitCode()).isZero();
        Outcome exported = run(tool + " export" + socket + "copy --prefix b/ && diff -r tree copy");
        assertThat(exported.exitCode()).as(exported.out() + exported.err()).isZero();
        assertThat(run(tool + " head" + socket + "--json b/f39").out()).contains("\"expiry\"");
        assertThat(run(tool + " purge" + socket + "--tag u").out()).isEqualTo("80\n");
    }

    @Test
    void aMirrorUnderATooLongPrefixLeavesAllOutAndSaysWhy() throws Exception {
        build("mirror");
        Files.writeString(directory.resolve("file"), "x");
        run(Distribution.program("objmapper") + " put --socket " + server.socket + " a/file file");

        Outcome mirrored = run("./mirror " + server.socket + " a/ " + "b".repeat(4_096));
        assertThat(mirrored.exitCode()).isEqualTo(5);
        assertThat(mirrored.err()).contains("a/file: a key of 4100 bytes");
        assertThat(mirrored.out()).isEqualTo("0 mirrored, 1 left out\n");
    }

    private void build(String example) throws Exception {
        Outcome built = run("cc " + EXAMPLES.resolve(example + ".c") + " -o " + example
                + " $(pkg-config --cflags --libs objmapper)");
        assertThat(built.exitCode()).as(built.err()).isZero();
    }

    private Outcome run(String command) throws Exception {
        Path library = Distribution.DIRECTORY.resolve("lib");
        Map<String, String> environment = Map.of(
                "PKG_CONFIG_PATH", library.resolve("pkgconfig").toString(), "LD_LIBRARY_PATH", library.toString());
        return Outcome.of(directory, environment, "sh", "-c", command);
    }
}
