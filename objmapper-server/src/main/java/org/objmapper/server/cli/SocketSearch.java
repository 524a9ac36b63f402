package org.objmapper.server.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Finds the server's socket. */
final class SocketSearch {
    static final String NAME = "objmapper/objmapper.sock";
    static final Path SYSTEM_DIRECTORY = Path.of("/run");

    private SocketSearch() {}

    /** The socket that was named, or the first that is there. */
    static Path find(@Nullable String named, Map<String, String> environment) throws ToolFailure {
        String given = named != null ? named : environment.get("OBJMAPPER_SOCKET");
        if (given != null && !given.isEmpty()) {
            return Path.of(given);
        }
        List<Path> candidates = candidates(environment);
        for (Path candidate : candidates) {
            if (Files.exists(candidate)) {
                return candidate;
            }
        }
        List<String> looked = candidates.stream().map(Path::toString).toList();
        throw new ToolFailure(
                ExitCode.CANNOT_CONNECT,
                "no objmapper server found: there is no socket at " + String.join(" or ", looked)
                        + "\nname it with --socket PATH or OBJMAPPER_SOCKET, or start one with objmapperd --dev");
    }

    /** Where a socket is looked for when none is named, the first first. */
    static List<Path> candidates(Map<String, String> environment) {
        List<Path> candidates = new ArrayList<>();
        String runtime = environment.get("XDG_RUNTIME_DIR");
        if (runtime != null && runtime.startsWith("/")) {
            candidates.add(Path.of(runtime, NAME));
        }
        candidates.add(SYSTEM_DIRECTORY.resolve(NAME));
        return candidates;
    }
}
