package org.objmapper.bench;

/** How much memory a server takes for each session that does nothing. */
final class IdleSessions {
    private IdleSessions() {}

    static Sample measure(Lab lab) throws Exception {
        int sessions = lab.scale().idleSessions();
        try (ObjmapperServer server = lab.start(Setup.DEFAULT, lab.newDirectory("idle-" + System.nanoTime()))) {
            long before = server.ownBytes();
            try (Daemon idle = Daemon.startReady(
                    lab.program("idle_client"), server.socket().toString(), Integer.toString(sessions))) {
                return Sample.of(Figure.MEMORY, (double) (server.ownBytes() - before) / sessions);
            }
        }
    }
}
