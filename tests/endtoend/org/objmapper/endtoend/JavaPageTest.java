package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What docs/java-client.md shows compiles and runs. */
class JavaPageTest extends AgainstServer {
    private static final Path ROOT = Path.of(System.getProperty("objmapper.root"));
    private static final String IMPORTS = """
            import java.io.*;
            import java.nio.*;
            import java.nio.channels.*;
            import java.nio.file.*;
            import java.util.concurrent.*;
            import org.objmapper.client.*;
            import org.objmapper.protocol.Mode;
            """;

    private static List<String> blocks(String language) throws IOException {
        List<String> blocks = new ArrayList<>();
        Matcher block = Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(ROOT.resolve("docs/java-client.md")));
        while (block.find()) {
            blocks.add(block.group(1));
        }
        return blocks;
    }

    private Outcome run(String name, String source) throws Exception {
        Path file = Files.writeString(directory.resolve(name + ".java"), source);
        return Outcome.of(
                directory,
                Map.of(),
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                Distribution.DIRECTORY.resolve("lib") + "/*",
                file.toString(),
                server.socket.toString());
    }

    @Test
    void theFirstProgramGreets() throws Exception {
        Outcome outcome = run("First", blocks("java").get(0));

        assertThat(outcome.out()).as(outcome.err()).isEqualTo("hello, world\n");
    }

    /** All blocks between the first program and the one from the example, one after the other. */
    @Test
    void theOtherBlocksRun() throws Exception {
        List<String> blocks = blocks("java");
        StringBuilder program = new StringBuilder(IMPORTS)
                .append("public class Page {\npublic static void main(String[] arguments) throws Exception {\n")
                .append("Path socket = Path.of(arguments[0]);\n")
                .append("try (ObjmapperClient client = ObjmapperClient.builder(socket).build()) {\n");
        for (String block : blocks.subList(1, blocks.size() - 1)) {
            program.append("{\n").append(block).append("}\n");
        }
        Outcome outcome = run("Page", program.append("}\n}\n}\n").toString());

        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).isEqualTo("from 99900 of 100000\nsalut\n[accept-language]\n100000\nCOPY\n");
    }

    @Test
    void theLastBlockStandsInTheExample() throws Exception {
        List<String> blocks = blocks("java");

        assertThat(Files.readString(ROOT.resolve("docs/examples/java/TwoLevelCache.java")))
                .contains(blocks.get(blocks.size() - 1));
    }

    @Test
    void theDependencyIsTheOneThatIsBuilt() throws Exception {
        Matcher version = Pattern.compile("<version>.*?</version>").matcher(Files.readString(ROOT.resolve("pom.xml")));
        assertThat(version.find()).isTrue();

        assertThat(blocks("xml"))
                .containsExactly("<dependency>\n  <groupId>org.objmapper</groupId>\n"
                        + "  <artifactId>objmapper-client</artifactId>\n  " + version.group() + "\n</dependency>\n");
    }
}
