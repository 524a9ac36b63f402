package org.objmapper.bench;

import java.util.ArrayList;
import java.util.List;
import org.objmapper.client.Body;
import org.objmapper.client.Key;
import org.objmapper.client.ObjmapperClient;

/** All that is measured, in the order in which it is. */
final class Rows {
    private static final long KIB = 1 << 10;
    private static final long MIB = 1 << 20;
    private static final long FILE = 64 * KIB;
    private static final List<Long> SIZES = List.of(0L, KIB, 4 * KIB, 64 * KIB, MIB, 64 * MIB);
    private static final int SPIN_MICROS = 50;
    private static final int COLD_OBJECTS = 64;
    private static final String COLD = "https://bench.example/cold/";

    private final List<Row> rows = new ArrayList<>();

    private Rows() {}

    static List<Row> all() {
        Rows all = new Rows();
        all.descriptors();
        all.spinning();
        all.pipelined();
        all.engines();
        all.bodies();
        all.clients();
        all.validity();
        all.neighbours();
        all.overload();
        all.puts();
        all.costs();
        all.heap();
        all.sizes();
        all.rivals();
        return all.rows;
    }

    private void descriptors() {
        add(
                "fd-1",
                "a descriptor, one in flight, one connection, nobody spins",
                session(Setup.NO_SPIN, 0, "fdpass", FILE, 1, 1),
                "floor",
                floor("fd", FILE, 1, 1),
                new Target(Figure.REQUESTS, 0.95, 1.05));
        descriptor(4, new Target(Figure.REQUESTS, 0.8, 1.0));
        descriptor(
                16,
                new Target(Figure.REQUESTS, 0.8, 1.25),
                new Target(Figure.P999, 2, 1),
                new Target(Figure.CPU, 1.2, 0.7));
        descriptor(64, new Target(Figure.REQUESTS, 0.8, 1.2));
        descriptor(256, new Target(Figure.REQUESTS, 0.8, 1.1));
    }

    private void descriptor(int connections, Target... targets) {
        add(
                "fd-" + connections,
                "a descriptor, one in flight, connections: " + connections,
                session("fdpass", FILE, connections, 1),
                "floor",
                floor("fd", FILE, connections, 1),
                targets);
    }

    private void spinning() {
        add(
                "spin-server",
                "as fd-1, the server spins",
                session("fdpass", FILE, 1, 1),
                "floor",
                floor("fd", FILE, 1, 1),
                new Target(Figure.REQUESTS, 1.3, 1.6));
        add(
                "spin-both",
                "as fd-1, server and client spin",
                session(Setup.DEFAULT, SPIN_MICROS, "fdpass", FILE, 1, 1),
                "floor",
                floor("fd", FILE, 1, 1),
                new Target(Figure.REQUESTS, 1.8, 2.5));
    }

    private void pipelined() {
        for (int connections : List.of(1, 4, 16)) {
            add(
                    "pipelined-" + connections,
                    "descriptors, 16 in flight, connections: " + connections,
                    session("fdpass", FILE, connections, 16),
                    "floor",
                    floor("fd", FILE, connections, 16),
                    new Target(Figure.REQUESTS, 0.75, 1.0));
        }
    }

    /** What {@code engine = "auto"} does not choose, as against what it chooses. */
    private void engines() {
        engine("fd-1", Setup.IO_URING_NO_SPIN, Setup.NO_SPIN, 1, 1);
        for (int connections : List.of(4, 16, 64, 256)) {
            engine("fd-" + connections, Setup.IO_URING, Setup.DEFAULT, connections, 1);
        }
        for (int connections : List.of(1, 4, 16)) {
            engine("pipelined-" + connections, Setup.IO_URING, Setup.DEFAULT, connections, 16);
        }
    }

    private void engine(String like, Setup ring, Setup epoll, int connections, int depth) {
        rows.add(new Row(
                "io_uring-" + like,
                "as " + like + ", by io_uring",
                session(ring, 0, "fdpass", FILE, connections, depth),
                "by epoll",
                session(epoll, 0, "fdpass", FILE, connections, depth),
                List.of(),
                Need.IO_URING));
    }

    private void bodies() {
        for (int connections : List.of(1, 4)) {
            body("copy", "copy", "write", connections);
            body("splice", "sendfile", "sendfile", connections);
        }
    }

    private void body(String mode, String way, String call, int connections) {
        add(
                mode + "-" + connections,
                "1 MiB by " + mode + ", connections: " + connections,
                session(mode, MIB, connections, 1),
                "floor's " + call,
                floor(way, MIB, connections, 1),
                new Target(Figure.REQUESTS, 0.9, 1.0));
    }

    private void clients() {
        add(
                "libobjmapper",
                "libobjmapper, 16 in flight, one connection",
                library("get", FILE, 1, 16),
                "the raw generator",
                session("auto", FILE, 1, 16),
                new Target(Figure.REQUESTS, 0.95, 1.0));
        add(
                "java-1",
                "the Java client, one in flight, one thread",
                java(FILE, 1, 1),
                "libobjmapper",
                library("get", FILE, 1, 1),
                new Target(Figure.REQUESTS, 0.85, 0.95));
        add(
                "java-16",
                "the Java client, 16 in flight, one thread",
                java(FILE, 1, 16),
                "libobjmapper",
                library("get", FILE, 1, 16),
                new Target(Figure.REQUESTS, 0.5, 0.8));
    }

    /** How long a hit takes is the target, not how much less than a round trip. */
    private void validity() {
        alone(
                "again-c",
                "libobjmapper, an object that it keeps, known to be current by the validity table",
                library("cached", FILE, 1, 1),
                new Target(Figure.P50, 0.2, 0.08));
        alone(
                "again-java",
                "the Java client, an object that it keeps, known to be current by the validity table",
                lab -> lab.javaLoad(
                        lab.socket(Setup.DEFAULT, FILE), 1, lab.scale().seconds(), 1, Lab.key(FILE), "cached"),
                new Target(Figure.P50, 0.3, 0.12));
    }

    private void neighbours() {
        Side small = session("copy", KIB, 1, 1);
        add(
                "beside-large",
                "1 KiB by copy, beside two connections that copy 64 MiB",
                new Beside(small, Rows::copyLarge),
                "alone",
                small,
                new Target(Figure.P99, 2, 1.2));
        Side hot = session("auto", 4 * KIB, 1, 1);
        add(
                "beside-cold",
                "4 KiB that is at hand, beside two connections that copy what is not in memory",
                new Beside(hot, Rows::copyCold),
                "alone",
                hot,
                new Target(Figure.P99, 2, 1.2));
        add(
                "beside-slow-device",
                "64 KiB by copy from one device, beside four connections that copy from one with 20 ms a read",
                new Beside(SlowDevice.fast(1), SlowDevice::copySlow),
                "alone",
                SlowDevice.fast(1),
                new Target(Figure.P99, 2, 1.2));
    }

    private static AutoCloseable copyLarge(Lab lab) throws Exception {
        return Daemon.start(
                lab.program("bench_client"),
                lab.socket(Setup.DEFAULT, 64 * MIB).toString(),
                "2",
                "1000000",
                "copy",
                "1",
                Lab.key(64 * MIB));
    }

    private static AutoCloseable copyCold(Lab lab) throws Exception {
        ObjmapperServer server = lab.server(Setup.DEFAULT);
        try (ObjmapperClient client = ObjmapperClient.builder(server.socket()).build()) {
            Body body = Body.of(lab.file(MIB));
            for (int i = 0; i < COLD_OBJECTS; i++) {
                client.put(Key.of(COLD + i), body);
            }
        }
        return Daemon.startReady(
                lab.program("cold_client"),
                server.socket().toString(),
                server.data().toString(),
                "2",
                COLD,
                Integer.toString(COLD_OBJECTS));
    }

    private void overload() {
        Side gets = library("get", FILE, 16, 16);
        add(
                "overload-get",
                "descriptors at twice what is reached with 16 in flight, 16 connections",
                new Overload(gets, rate -> openLoop("get", rate, 16)),
                "that",
                gets,
                new Target(Figure.REQUESTS, 0.9, 1.0));
        Side puts = library("durable", KIB, 16, 16);
        add(
                "overload-put",
                "durable PUTs of 1 KiB at twice what is reached, 16 connections",
                new Overload(puts, rate -> openLoop("durable", rate, 16)),
                "that",
                puts,
                new Target(Figure.REQUESTS, 0.9, 1.0));
        alone(
                "overload-memory",
                "what the server's memory grows by while durable PUTs are offered at twice what is reached",
                OverloadMemory::measure,
                new Target(Figure.MEMORY, 16 * MIB, 4 * MIB));
    }

    private void puts() {
        for (int connections : List.of(1, 16)) {
            add(
                    "durable-" + connections,
                    "durable PUTs of 1 KiB, one in flight, connections: " + connections,
                    library("durable", KIB, connections, 1),
                    "as many threads that write a file and sync it each",
                    lab -> lab.load(
                            "file_client",
                            lab.directory("durable"),
                            connections,
                            lab.scale().seconds(),
                            "write"));
        }
    }

    private void costs() {
        alone(
                "allocation",
                "heap, by descriptors pipelined on 16 connections",
                lab -> LoopAllocation.measure(lab.server(Setup.DEFAULT), session("fdpass", FILE, 16, 16), lab),
                new Target(Figure.ALLOCATED, 1, 0.1));
        alone("idle-session", "memory of the server for each session that does nothing", IdleSessions::measure);
        alone(
                "first-answer",
                "start of a server with many objects",
                new FirstAnswer(),
                new Target(Figure.FIRST_ANSWER, 1, 0.5));
    }

    private void heap() {
        add(
                "small-heap",
                "as fd-16, where the heap has 64 MiB",
                session(Setup.SMALL_HEAP, 0, "fdpass", FILE, 16, 1),
                "with as much as it takes",
                session("fdpass", FILE, 16, 1),
                new Target(Figure.P999, 2, 1.1));
    }

    private void sizes() {
        for (long size : SIZES) {
            size("auto", size <= 4 * KIB ? "copy" : "fd", size);
            size("copy", "copy", size);
            size("splice", "sendfile", size);
        }
    }

    private void size(String mode, String way, long size) {
        add(
                "size-" + size + "-" + mode,
                size + " bytes by " + mode + ", one connection",
                session(mode, size, 1, 1),
                "floor's " + way,
                floor(way, size, 1, 1));
    }

    /** What is compared is the whole body in the client's memory. */
    private void rivals() {
        for (long size : List.of(KIB, 64 * KIB, MIB)) {
            rival(
                    Need.program("redis-server"),
                    "redis-" + size,
                    "Redis",
                    size,
                    lab -> lab.load(
                            "text_client", lab.redis(size), 4, lab.scale().seconds(), "redis", 1, Lab.key(size)));
            rival(
                    Need.program("nginx"),
                    "nginx-" + size,
                    "nginx with sendfile",
                    size,
                    lab -> lab.load(
                            "text_client",
                            lab.nginx(),
                            4,
                            lab.scale().seconds(),
                            "http",
                            1,
                            "/" + lab.file(size).getFileName()));
            rival(
                    Need.NOTHING,
                    "files-" + size,
                    "open() and read() by path",
                    size,
                    lab -> lab.load(
                            "file_client", lab.file(size), 4, lab.scale().seconds(), "read"));
        }
    }

    private void rival(Need needs, String name, String versus, long size, Side other) {
        String title = size + " bytes read by libobjmapper, 4 connections";
        rows.add(new Row(name, title, library("read", size, 4, 1), versus, other, List.of(), needs));
    }

    private static Side session(String mode, long size, int connections, int depth) {
        return session(Setup.DEFAULT, 0, mode, size, connections, depth);
    }

    private static Side session(Setup setup, int spinMicros, String mode, long size, int connections, int depth) {
        return lab -> lab.load(
                "bench_client",
                "-s",
                spinMicros,
                lab.socket(setup, size),
                connections,
                lab.scale().seconds(),
                mode,
                depth,
                Lab.key(size));
    }

    private static Side floor(String way, long size, int connections, int depth) {
        return lab -> lab.load(
                "floor_client", lab.floor(way, size), connections, lab.scale().seconds(), way, depth);
    }

    private static Side library(String what, long size, int connections, int depth) {
        return lab -> lab.load(
                "library_client",
                lab.socket(Setup.DEFAULT, size),
                connections,
                lab.scale().seconds(),
                what,
                depth,
                Lab.key(size));
    }

    private static Side openLoop(String what, double rate, int connections) {
        return lab -> lab.openLoop(
                lab.socket(Setup.DEFAULT, FILE),
                connections,
                lab.scale().seconds(),
                what,
                Math.ceil(rate),
                Lab.key(FILE));
    }

    private static Side java(long size, int connections, int depth) {
        return lab -> lab.javaLoad(
                lab.socket(Setup.DEFAULT, size), connections, lab.scale().seconds(), depth, Lab.key(size));
    }

    private void add(String name, String title, Side ours, String versus, Side other, Target... targets) {
        rows.add(new Row(name, title, ours, versus, other, List.of(targets), Need.NOTHING));
    }

    private void alone(String name, String title, Side ours, Target... targets) {
        rows.add(new Row(name, title, ours, "", null, List.of(targets), Need.NOTHING));
    }
}
