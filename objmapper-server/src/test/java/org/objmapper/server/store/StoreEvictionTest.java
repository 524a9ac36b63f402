package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.objmapper.server.store.StoreUnderTest.evictability;
import static org.objmapper.server.store.StoreUnderTest.with;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreEvictionTest {
    @TempDir
    Path directory;

    private StoreUnderTest store;

    @BeforeEach
    void open() throws Exception {
        store = new StoreUnderTest(directory);
    }

    @AfterEach
    void close() {
        store.close();
    }

    private void assertEvictable(long objects, long bytes) throws Exception {
        store.store().flush();
        assertThat(store.figure("objmapper_store_evictable_objects")).isEqualTo(objects);
        assertThat(store.figure("objmapper_store_evictable_bytes")).isEqualTo(bytes);
    }

    @Test
    void anObjectIsKeptUnlessItsPutSaysThatItIsEvictable() throws Exception {
        store.putOk("kept", new byte[10]);
        store.put(with("said to be kept", evictability(false), -1), new byte[10_000]);
        store.put(with("small", evictability(true), -1), new byte[100]);
        store.put(with("large", evictability(true), -1), new byte[5_000]);

        assertEvictable(2, 5_100);
        store.reopen();
        assertEvictable(2, 5_100);
    }

    @Test
    void aTouchMakesAnObjectEvictableOrKept() throws Exception {
        store.putOk("a", new byte[100]);
        store.touch("a", evictability(true), null);
        assertEvictable(1, 100);

        store.touch("a", new ObjectMetadata(), 1_000L);
        assertEvictable(1, 100);

        store.touch("a", evictability(false), null);
        assertEvictable(0, 0);
    }

    @Test
    void anOverwriteSaysAnewWhetherAnObjectIsEvictable() throws Exception {
        store.put(with("a", evictability(true), -1), new byte[100]);
        store.putOk("a", new byte[200]);

        assertEvictable(0, 0);
        store.delete("a");
        assertEvictable(0, 0);
    }
}
