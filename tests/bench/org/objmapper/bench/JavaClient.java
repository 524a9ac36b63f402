package org.objmapper.bench;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.HdrHistogram.Histogram;
import org.objmapper.client.GetOptions;
import org.objmapper.client.Key;
import org.objmapper.client.ObjmapperClient;
import org.objmapper.client.StoredObject;

/**
 * The load of library_client as a program with the Java client puts it: {@code WARM-UP SOCKET CONNECTIONS SECONDS DEPTH KEY
 * [cached]}. Each thread has DEPTH GETs in flight at once, by futures if more than one, closes what came, and begins anew. With
 * {@code cached} the client keeps the object as long as the server's validity table says that it is current.
 */
final class JavaClient {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final long CACHE_BYTES = 1 << 20;
    private static final long CACHE_IDLE_MILLIS = 10_000;

    private final ObjmapperClient client;
    private final Key key;
    private final int depth;
    private volatile boolean counting;
    private volatile boolean ended;

    private JavaClient(ObjmapperClient client, Key key, int depth) {
        this.client = client;
        this.key = key;
        this.depth = depth;
    }

    /** The words of the command that runs this class, up to the socket. */
    static List<String> command(double warmUpSeconds) {
        List<String> words =
                new ArrayList<>(List.of(ProcessHandle.current().info().command().orElseThrow()));
        if (Runtime.version().feature() >= 24) {
            words.add("--enable-native-access=ALL-UNNAMED");
        }
        words.addAll(List.of("-cp", System.getProperty("java.class.path"), JavaClient.class.getName()));
        words.add(Double.toString(warmUpSeconds));
        return words;
    }

    public static void main(String[] arguments) throws Exception {
        double warmUpSeconds = Double.parseDouble(arguments[0]);
        int connections = Integer.parseInt(arguments[2]);
        double seconds = Double.parseDouble(arguments[3]);
        int depth = Integer.parseInt(arguments[4]);
        ObjmapperClient.Builder builder = ObjmapperClient.builder(Path.of(arguments[1]))
                .poolSize(connections)
                .sharedDescriptors(true);
        if (arguments.length > 6) {
            builder.cache(1, CACHE_BYTES, CACHE_IDLE_MILLIS);
        }
        try (ObjmapperClient client = builder.build()) {
            new JavaClient(client, Key.of(arguments[5]), depth).run(connections, warmUpSeconds, seconds);
        }
    }

    private void run(int connections, double warmUpSeconds, double seconds) throws Exception {
        List<CompletableFuture<Histogram>> askers = new ArrayList<>();
        for (int i = 0; i < connections; i++) {
            CompletableFuture<Histogram> asker = new CompletableFuture<>();
            askers.add(asker);
            new Thread(() -> ask(asker)).start();
        }
        Thread.sleep((long) (warmUpSeconds * 1e3));
        long began = System.nanoTime();
        long allocated = allocatedBytes();
        counting = true;
        Thread.sleep((long) (seconds * 1e3));
        ended = true;
        allocated = allocatedBytes() - allocated;
        Histogram nanos = new Histogram(3);
        for (CompletableFuture<Histogram> asker : askers) {
            nanos.add(asker.get());
        }
        double elapsed = (System.nanoTime() - began) / 1e9;
        System.out.printf(
                Locale.ROOT,
                "java connections=%d depth=%d ops/s=%.2f p50=%.3fus p99=%.3fus p999=%.3fus allocated=%.1f%n",
                connections,
                depth,
                nanos.getTotalCount() * depth / elapsed,
                nanos.getValueAtPercentile(50) / 1e3,
                nanos.getValueAtPercentile(99) / 1e3,
                nanos.getValueAtPercentile(99.9) / 1e3,
                (double) allocated / (nanos.getTotalCount() * depth));
    }

    /** What all threads of this JVM have put on the heap, by its own count. */
    private static long allocatedBytes() {
        return LongStream.of(THREADS.getThreadAllocatedBytes(THREADS.getAllThreadIds()))
                .sum();
    }

    private void ask(CompletableFuture<Histogram> result) {
        try {
            Histogram nanos = new Histogram(3);
            boolean last;
            do {
                last = ended;
                long before = System.nanoTime();
                round();
                if (counting) {
                    nanos.recordValue(System.nanoTime() - before);
                }
            } while (!last);
            result.complete(nanos);
        } catch (Exception e) {
            result.completeExceptionally(e);
        }
    }

    private void round() throws Exception {
        if (depth == 1) {
            client.get(key).orElseThrow().close();
            return;
        }
        List<CompletableFuture<Optional<StoredObject>>> answers = new ArrayList<>(depth);
        for (int i = 0; i < depth; i++) {
            answers.add(client.getAsync(key, new GetOptions()));
        }
        for (CompletableFuture<Optional<StoredObject>> answer : answers) {
            answer.get().orElseThrow().close();
        }
    }
}
