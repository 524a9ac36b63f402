package org.objmapper.server.cli;

import java.util.Map;

/** What a page of the manual says beyond the help: examples, environment, files and other pages, in AsciiDoc. */
final class ManualSections {
    private static final String JAVA_VARIABLES = """
            *OBJMAPPER_JAVA*::
              The java executable to run with, of version 17 or later. Otherwise that of *JAVA_HOME*, of *PATH* or below
              /usr/lib/jvm.

            *JDK_JAVA_OPTIONS*::
              Flags for Java, for instance -Xmx2g.
            """;
    private static final String TOOL_VARIABLES = """
            *OBJMAPPER_SOCKET*::
              The server's socket, where the command line names none.

            *XDG_RUNTIME_DIR*::
              Where objmapper/objmapper.sock is looked for next.

            """ + JAVA_VARIABLES;
    private static final String TOOL_FILES = """
            _$XDG_RUNTIME_DIR/objmapper/objmapper.sock_, _/run/objmapper/objmapper.sock_::
              The sockets that are looked for when none is named.
            """;
    private static final String SERVER_FILES = """
            _/etc/objmapper/objmapperd.toml_::
              The configuration.

            _share/doc/objmapper/objmapperd.toml_::
              Below the directory of the distribution: a configuration with every key, what it means, its default and its range.

            _/var/lib/objmapper_::
              The objects and their index, where the configuration says nothing else.

            _/var/cache/objmapper_::
              Copies of what is asked for often, where the configuration has a cache there. No object is lost with it.

            _/run/objmapper/objmapper.sock_::
              The socket, where the configuration says nothing else.
            """;

    private static final Map<String, String> EXAMPLES = Map.ofEntries(
            Map.entry("objmapper", "objmapper put logo logo.png\nobjmapper get logo -o copy.png\nobjmapper ls"),
            Map.entry(
                    "objmapper-put",
                    "objmapper put logo logo.png --ttl 24h --tag images\ntar c site | objmapper put backup -"),
            Map.entry("objmapper-get", "objmapper get logo -o logo.png\nobjmapper get logo --range 0-99"),
            Map.entry("objmapper-head", "objmapper head logo --json"),
            Map.entry("objmapper-ls", "objmapper ls www/\nobjmapper ls -0 www/ | xargs -0 objmapper rm"),
            Map.entry("objmapper-rm", "objmapper rm logo backup"),
            Map.entry("objmapper-purge", "objmapper purge --tag images"),
            Map.entry("objmapper-touch", "objmapper touch logo --ttl 1h"),
            Map.entry("objmapper-import", "objmapper import site --prefix www/"),
            Map.entry("objmapper-export", "objmapper export copy-of-site --prefix www/"),
            Map.entry("objmapper-with", "objmapper with logo -- sha256sum"),
            Map.entry("objmapper-stat", "objmapper stat --json"),
            Map.entry(
                    "objmapper-device",
                    "objmapper device list\nobjmapper device add /mnt/disk3/objmapper\nobjmapper device drain /mnt/disk2/objmapper"),
            Map.entry("objmapper-ping", "objmapper ping"),
            Map.entry("objmapper-bench", "objmapper bench --size 1MiB"),
            Map.entry("objmapperd", "objmapperd --dev\nobjmapperd serve -c /etc/objmapper/objmapperd.toml"),
            Map.entry("objmapperd-serve", "objmapperd serve --config /etc/objmapper/objmapperd.toml"),
            Map.entry(
                    "objmapperd-fsck",
                    "objmapperd fsck --data /var/lib/objmapper\nobjmapperd fsck --config /etc/objmapper/objmapperd.toml --repair"),
            Map.entry("objmapperd-check", "objmapperd check /etc/objmapper/objmapperd.toml"));

    private ManualSections() {}

    /** The sections of a page such as {@code objmapper-get}. */
    static String of(String page) {
        String examples = EXAMPLES.get(page);
        if (examples == null) {
            throw new IllegalArgumentException("no example for " + page);
        }
        boolean server = page.startsWith("objmapperd");
        return "== Examples\n\n----\n" + examples + "\n----\n\n== Environment\n\n"
                + (server ? JAVA_VARIABLES : TOOL_VARIABLES) + "\n== Files\n\n"
                + (server ? SERVER_FILES : TOOL_FILES) + "\n== See also\n\n"
                + seeAlso(page) + "\n\n";
    }

    private static String seeAlso(String page) {
        return switch (page) {
            case "objmapper" -> "*objmapperd*(8), *objmapper*(3)";
            case "objmapperd" -> "*objmapperd-serve*(8), *objmapperd-check*(8), *objmapperd-fsck*(8), *objmapper*(1)";
            default ->
                page.startsWith("objmapperd") ? "*objmapperd*(8), *objmapper*(1)" : "*objmapper*(1), *objmapperd*(8)";
        };
    }
}
