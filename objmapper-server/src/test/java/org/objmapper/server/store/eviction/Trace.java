package org.objmapper.server.store.eviction;

import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/**
 * Recorded requests: which object, of which size. Objects are numbered from 0 in the order of their first request.
 *
 * @param object of each request
 * @param bytes of each object
 */
record Trace(String name, int[] object, long[] bytes) {
    private static final Path DIRECTORY = Path.of("..", "tests", "traces");

    /** Lines of time, object and size in bytes. */
    static Trace requestSizes() throws IOException {
        List<long[]> requests = new ArrayList<>();
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(open("request-sizes.trace.gz"), StandardCharsets.US_ASCII))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.split(" ", -1);
                requests.add(new long[] {Long.parseLong(words[1]), Long.parseLong(words[2])});
            }
        }
        return of("request-sizes", requests);
    }

    /** Numbers of objects, four bytes each; all objects count as of one size. */
    static Trace web12() throws IOException {
        List<long[]> requests = new ArrayList<>();
        try (DataInputStream numbers = new DataInputStream(open("web12.trace.gz"))) {
            while (numbers.available() > 0) {
                requests.add(new long[] {numbers.readInt(), 1});
            }
        }
        return of("web12", requests);
    }

    private static GZIPInputStream open(String name) throws IOException {
        return new GZIPInputStream(Files.newInputStream(DIRECTORY.resolve(name)), 1 << 16);
    }

    /** Pairs of an object and its size; an object keeps the size that it has first. */
    static Trace of(String name, List<long[]> requests) {
        Map<Long, Integer> numbers = new HashMap<>();
        int[] object = new int[requests.size()];
        long[] bytes = new long[requests.size()];
        for (int i = 0; i < object.length; i++) {
            long[] request = requests.get(i);
            int known = numbers.size();
            object[i] = numbers.computeIfAbsent(request[0], first -> known);
            if (object[i] == known) {
                bytes[known] = request[1];
            }
        }
        return new Trace(name, object, java.util.Arrays.copyOf(bytes, numbers.size()));
    }

    long bytesAsked() {
        long asked = 0;
        for (int each : object) {
            asked += bytes[each];
        }
        return asked;
    }

    long bytesOfAllObjects() {
        long all = 0;
        for (long each : bytes) {
            all += each;
        }
        return all;
    }
}
