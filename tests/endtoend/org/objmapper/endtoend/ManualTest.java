package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The manual and the completions of the distribution say what the programs' own help says. */
class ManualTest {
    private static final Path SHARE = Distribution.DIRECTORY.resolve("share");
    private static final Pattern LONG_OPTION = Pattern.compile("(?<![\\w-])--[a-z][a-z-]+");

    @TempDir
    Path directory;

    static List<String> pages() throws IOException {
        try (Stream<Path> pages =
                Stream.concat(Files.list(SHARE.resolve("man/man1")), Files.list(SHARE.resolve("man/man8")))) {
            return pages.map(page -> page.getFileName().toString()).sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("pages")
    void aPageNamesTheOptionsThatTheHelpNames(String page) throws Exception {
        assertThat(options(text(page))).isEqualTo(options(help(program(page))));
    }

    @ParameterizedTest
    @MethodSource("pages")
    void aPageNamesTheExitCodesThatTheHelpNames(String page) throws Exception {
        String help = help(program(page));
        assertThat(help).contains("Exit codes:\n");
        for (String line :
                help.substring(help.indexOf("Exit codes:\n")).lines().skip(1).toList()) {
            String[] codeAndMeaning = line.strip().split(" +", 2);
            assertThat(text(page)).contains("\n" + codeAndMeaning[0] + "\n", codeAndMeaning[1]);
        }
    }

    @ParameterizedTest
    @MethodSource("pages")
    void aPageHasHeadingsWithoutColons(String page) throws Exception {
        assertThat(text(page)).contains("\n.SH \"EXIT CODES\"\n").doesNotContainPattern("(?m)^\\.S[HS] .*:\"?$");
    }

    @ParameterizedTest
    @MethodSource("pages")
    void aPageHasExamplesAndNamesEnvironmentFilesAndOtherPages(String page) throws Exception {
        assertThat(text(page))
                .contains("\n.SH \"EXAMPLES\"\n", "\n.SH \"ENVIRONMENT\"\n", "OBJMAPPER_JAVA", "JDK_JAVA_OPTIONS")
                .contains("\n.SH \"FILES\"\n", "\n.SH \"SEE ALSO\"\n");
    }

    @Test
    void theHyphensBeforeACommandAreHyphens() throws Exception {
        assertThat(text("objmapper-with.1")).contains("KEY -- COMMAND").doesNotContain("(em");
    }

    @Test
    void theReferenceConfigurationIsPartOfTheDistributionAndCanBeUsed() throws Exception {
        String file = SHARE.resolve("doc/objmapper/objmapperd.toml").toString();

        assertThat(text("objmapperd.8")).contains("share/doc/objmapper/objmapperd.toml", "SIGHUP");
        assertThat(run(Distribution.program("objmapperd"), "check", file).exitCode())
                .isZero();
    }

    @Test
    void everyCommandHasAPage() throws Exception {
        Set<String> expected = new TreeSet<>(Set.of("objmapper.1", "objmapperd.8"));
        for (String command : commands("objmapper")) {
            expected.add("objmapper-" + command + ".1");
        }
        for (String command : commands("objmapperd")) {
            expected.add("objmapperd-" + command + ".8");
        }

        assertThat(pages()).containsExactlyElementsOf(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"objmapper", "objmapperd"})
    void bashCompletesTheCommands(String program) throws Exception {
        Outcome outcome = run(
                "bash",
                "-c",
                ". \"$0\" && COMP_WORDS=($1 '') COMP_CWORD=1 COMP_LINE=\"$1 \""
                        + " && _complete_$1 && printf '%s\\n' \"${COMPREPLY[@]}\"",
                SHARE.resolve("bash-completion/completions").resolve(program).toString(),
                program);

        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out().lines()).containsAll(commands(program));
    }

    private static String text(String page) throws IOException {
        String section = page.substring(page.length() - 1);
        return plain(Files.readString(SHARE.resolve("man/man" + section).resolve(page)));
    }

    /** Such as objmapper-get of objmapper-get.1. */
    private static String program(String page) {
        return page.substring(0, page.length() - 2);
    }

    private String help(String page) throws Exception {
        String[] words = page.split("-", 2);
        String program = Distribution.program(words[0]);
        Outcome outcome = words.length == 1 ? run(program, "--help") : run(program, words[1], "--help");
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        return outcome.out();
    }

    /** What the list under "Commands:" begins its lines with. */
    private Set<String> commands(String program) throws Exception {
        String help = help(program);
        String list = help.substring(help.indexOf("\nCommands:") + 1);
        return Pattern.compile("(?m)^  ([a-z]+) ")
                .matcher(list)
                .results()
                .map(match -> match.group(1))
                .collect(Collectors.toSet());
    }

    private static Set<String> options(String text) {
        return LONG_OPTION
                .matcher(text)
                .results()
                .map(MatchResult::group)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** A page without roff's marks of fonts and its escaped hyphens. */
    private static String plain(String roff) {
        return roff.replaceAll("\\\\f[A-Z]", "").replace("\\-", "-").replace("\\", "");
    }

    private Outcome run(String... command) throws Exception {
        return Outcome.of(directory, Map.of(), command);
    }
}
