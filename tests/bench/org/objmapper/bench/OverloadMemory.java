package org.objmapper.bench;

import java.nio.file.Path;

/** How much more memory a server has for itself after an overload than after one before it: what piles up where more is asked than it can do. */
final class OverloadMemory {
    private static final int CONNECTIONS = 16;
    private static final int IN_FLIGHT = 16;

    private OverloadMemory() {}

    static Sample measure(Lab lab) throws Exception {
        try (ObjmapperServer server = lab.start(Setup.DEFAULT, lab.newDirectory("overload-" + System.nanoTime()))) {
            overload(lab, server.socket());
            long before = server.ownBytes();
            overload(lab, server.socket());
            return Sample.of(Figure.MEMORY, Math.max(0, server.ownBytes() - before));
        }
    }

    private static void overload(Lab lab, Path socket) throws Exception {
        double seconds = lab.scale().seconds();
        Side peak = running ->
                running.load("library_client", socket, CONNECTIONS, seconds, "durable", IN_FLIGHT, Lab.key(0));
        Side offered = new Overload(
                peak,
                rate -> running ->
                        running.openLoop(socket, CONNECTIONS, seconds, "durable", Math.ceil(rate), Lab.key(0)));
        offered.measure(lab);
    }
}
