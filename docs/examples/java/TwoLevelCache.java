import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.objmapper.client.Body;
import org.objmapper.client.GetOptions;
import org.objmapper.client.Key;
import org.objmapper.client.Lookup;
import org.objmapper.client.ObjmapperClient;
import org.objmapper.client.ObjmapperException;
import org.objmapper.client.PutOptions;
import org.objmapper.client.StoredObject;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Status;

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
        try (Lookup found = second.lookup(key, new GetOptions())) {
            if (found.object().isPresent()) {
                System.out.println("found in objmapper");
                return mapped(found.object().get());
            }
            System.out.println("made anew");
            PutOptions filling = new PutOptions().ttlMillis(3_600_000);
            found.fillToken().ifPresent(filling::fillToken); // what is purged meanwhile stays purged
            byte[] made = source.make(key);
            return stored(key, made, filling) ? mapped(key) : ByteBuffer.wrap(made);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean stored(Key key, byte[] body, PutOptions filling) throws ObjmapperException {
        try {
            second.put(key, Body.of(body), filling);
            return true;
        } catch (ObjmapperException e) {
            if (e.status().equals(Optional.of(Status.STALE_FILL))) {
                return false;
            }
            throw e;
        }
    }

    private ByteBuffer mapped(Key key) throws IOException {
        try (StoredObject object = second.get(key).orElseThrow(() -> new IOException(key + " went at once"))) {
            return mapped(object);
        }
    }

    private static ByteBuffer mapped(StoredObject object) throws IOException {
        return object.buffer(); // the mapping outlives the object's descriptor
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
