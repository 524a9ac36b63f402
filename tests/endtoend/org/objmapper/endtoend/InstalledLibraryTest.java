package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A C program finds libobjmapper in the distribution, also in a copy of it. */
class InstalledLibraryTest {
    private static final String PROGRAM = """
            #include <objmapper.h>
            #include <stdio.h>

            int main(void)
            {
            	om_context *context = om_connect("/nonexistent/socket", NULL);
            	puts(context->errstr);
            	om_free(context);
            	return 0;
            }
            """;

    @TempDir
    Path directory;

    private Path dist;

    @BeforeEach
    void copyTheDistribution() throws IOException {
        dist = Distribution.copyTo(directory.resolve("copy"));
        Files.writeString(directory.resolve("program.c"), PROGRAM);
    }

    @Test
    void byPkgConfig() throws Exception {
        Outcome compiled = run("cc program.c -o program $(pkg-config --cflags --libs objmapper)");

        assertThat(compiled.exitCode()).as(compiled.err()).isZero();
        assertThatTheProgramRuns("./program");
    }

    @Test
    void byPkgConfigWithoutASharedLibrary() throws Exception {
        Outcome compiled = run("cc -static program.c -o program $(pkg-config --static --cflags --libs objmapper)");

        assertThat(compiled.exitCode()).as(compiled.err()).isZero();
        assertThatTheProgramRuns("./program");
    }

    @Test
    void byCmake() throws Exception {
        Files.writeString(directory.resolve("CMakeLists.txt"), """
                cmake_minimum_required(VERSION 3.18)
                project(program LANGUAGES C)
                find_package(objmapper 1.0 REQUIRED)
                add_executable(shared program.c)
                target_link_libraries(shared PRIVATE objmapper::objmapper)
                add_executable(static program.c)
                target_link_libraries(static PRIVATE objmapper::objmapper-static)
                """);

        Outcome built = run("cmake -B build -DCMAKE_PREFIX_PATH=" + dist + " && cmake --build build");

        assertThat(built.exitCode()).as(built.out() + built.err()).isZero();
        assertThatTheProgramRuns("build/shared");
        assertThatTheProgramRuns("build/static");
    }

    private void assertThatTheProgramRuns(String program) throws Exception {
        Outcome ran = run(program);
        assertThat(ran.exitCode()).as(ran.err()).isZero();
        assertThat(ran.out()).contains("No such file or directory");
    }

    private Outcome run(String command) throws Exception {
        Map<String, String> environment = Map.of(
                "PKG_CONFIG_PATH", dist.resolve("lib/pkgconfig").toString(),
                "LD_LIBRARY_PATH", dist.resolve("lib").toString());
        return Outcome.of(directory, environment, "sh", "-c", command);
    }
}
