package org.objmapper.bench;

import java.util.ArrayList;
import java.util.List;

/** All that is measured, in the order in which it is. */
final class Rows {
    private static final long FILE = 64 << 10;

    private final List<Row> rows = new ArrayList<>();

    private Rows() {}

    static List<Row> all() {
        Rows all = new Rows();
        all.descriptors();
        all.pipelined();
        all.bodies();
        return all.rows;
    }

    private void descriptors() {
        descriptor(1, 0.95, 1.05);
        descriptor(4, 0.8, 1.0);
        descriptor(16, 0.8, 1.25, new Target(Figure.CPU, 1.2, 0.7), new Target(Figure.P999, 2, 1));
        descriptor(64, 0.8, 1.2);
        descriptor(256, 0.8, 1.1);
    }

    private void descriptor(int connections, double must, double aim, Target... more) {
        List<Target> targets = new ArrayList<>(List.of(new Target(Figure.REQUESTS, must, aim)));
        targets.addAll(List.of(more));
        rows.add(new Row(
                "fd-" + connections,
                "a descriptor, one in flight, connections: " + connections,
                session("fdpass", FILE, connections, 1),
                "floor",
                floor("fd", FILE, connections, 1),
                targets));
    }

    private void pipelined() {
        for (int connections : List.of(1, 4, 16)) {
            rows.add(new Row(
                    "pipelined-" + connections,
                    "descriptors, 16 in flight, connections: " + connections,
                    session("fdpass", FILE, connections, 16),
                    "floor",
                    floor("fd", FILE, connections, 16),
                    List.of(new Target(Figure.REQUESTS, 0.75, 1.0))));
        }
    }

    private void bodies() {
        for (int connections : List.of(1, 4)) {
            body("copy", "copy", 1 << 20, connections);
            body("splice", "sendfile", 1 << 20, connections);
        }
    }

    private void body(String mode, String way, long size, int connections) {
        rows.add(new Row(
                mode + "-" + connections,
                "1 MiB by " + mode + ", connections: " + connections,
                session(mode, size, connections, 1),
                "floor's " + (way.equals("copy") ? "write" : way),
                floor(way, size, connections, 1),
                List.of(new Target(Figure.REQUESTS, 0.9, 1.0))));
    }

    private static Side session(String mode, long size, int connections, int depth) {
        return lab -> lab.load(
                "bench_client",
                List.of(),
                lab.server(size),
                connections,
                lab.scale().seconds(),
                mode,
                depth,
                Lab.key(size));
    }

    private static Side floor(String way, long size, int connections, int depth) {
        return lab -> lab.load(
                "floor_client",
                List.of(),
                lab.floor(way, size),
                connections,
                lab.scale().seconds(),
                way,
                depth);
    }
}
