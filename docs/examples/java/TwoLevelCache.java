import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.objmapper.client.Body;
import org.objmapper.client.Key;
import org.objmapper.client.ObjmapperClient;
import org.objmapper.client.PutOptions;
import org.objmapper.client.StoredObject;
import org.objmapper.protocol.Mode;

/**
 * A cache of two levels: Caffeine keeps the hottest bodies of this JVM, objmapper keeps all of them for every JVM of the machine, and
 * over restarts. What Caffeine holds are mappings of objmapper's own files: two JVMs that have the same body share its pages.
 *
 * <p>Run it twice: the first JVM computes the value, the second finds it.
 *
 * <pre>java -cp ... TwoLevelCache SOCKET KEY</pre>
 */
public final class TwoLevelCache implements AutoCloseable {
    private final ObjmapperClient second;
    private final Cache<Key, ByteBuffer> first;

    TwoLevelCache(Path socket) {
        second = ObjmapperClient.builder(socket)
                .mode(Mode.FDPASS)
                .inlineLimitBytes(0)
                .name("two-level-cache")
                .build();
        first = Caffeine.newBuilder()
                .maximumWeight(256 << 20)
                .weigher((Key key, ByteBuffer body) -> body.capacity())
                .build();
    }

    /** The body from the nearest level that has it; made and stored in both where none has. */
    ByteBuffer get(Key key, Source source) {
        return first.get(key, missing -> fromSecond(missing, source)).duplicate();
    }

    private ByteBuffer fromSecond(Key key, Source source) {
        try {
            Optional<ByteBuffer> stored = mapped(key);
            if (stored.isPresent()) {
                System.out.println("found in objmapper");
                return stored.get();
            }
            System.out.println("made anew");
            second.put(key, Body.of(source.make(key)), new PutOptions().ttlMillis(3_600_000));
            return mapped(key).orElseThrow(() -> new IOException(key + " went as soon as it was stored"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Optional<ByteBuffer> mapped(Key key) throws IOException {
        Optional<StoredObject> found = second.get(key);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        try (StoredObject object = found.get()) {
            return Optional.of(object.buffer()); // the mapping outlives the object's descriptor
        }
    }

    @Override
    public void close() {
        second.close();
    }

    /** Makes what neither level has. */
    interface Source {
        byte[] make(Key key) throws IOException;
    }

    public static void main(String[] arguments) {
        Key key = Key.of(arguments[1]);
        try (TwoLevelCache cache = new TwoLevelCache(Path.of(arguments[0]))) {
            for (int i = 0; i < 2; i++) {
                ByteBuffer body = cache.get(key, TwoLevelCache::page);
                System.out.println(body.remaining() + " bytes, " + (body.isDirect() ? "mapped" : "copied"));
            }
        }
    }

    private static byte[] page(Key key) {
        return ("The page of " + key + "\n").repeat(10_000).getBytes(StandardCharsets.UTF_8);
    }
}
