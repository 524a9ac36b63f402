package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.objmapper.server.store.StoreUnderTest.await;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.ListEntry;

/** How much memory and time listings take. */
class StoreListTest {
    private static final byte[] BODY = {1};

    @TempDir
    Path directory;

    private final CountDownLatch listsMayGoOn = new CountDownLatch(1);
    private StoreUnderTest store;

    @BeforeEach
    void open() throws IOException {
        store = new StoreUnderTest(directory);
    }

    @AfterEach
    void close() {
        listsMayGoOn.countDown();
        store.close();
    }

    @Test
    void aPageOfLongKeysEndsBeforeItsLimitAndTheNextOneGoesOn() throws Exception {
        List<String> keys = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            keys.add("%03d".formatted(i) + "k".repeat(Limits.MAX_KEY - 3));
            store.putOk(keys.get(i), BODY);
        }
        int entry = new ListEntry(new byte[Limits.MAX_KEY], 0, 0, 0, 0).size();

        StoreUnderTest.Page page = store.list("", null, Limits.MAX_LIST);

        assertThat(page.entries()).hasSize(Lister.MAX_PAGE_BYTES / entry);
        assertThat(page.cursor()).isNotNull();
        assertThat(store.keys("", Limits.MAX_LIST)).containsExactlyElementsOf(keys);
    }

    @Test
    void soManyListingsAreUnderWayAndNoMoreUntilAPageIsTaken() throws Exception {
        BlockingQueue<ListedPage> pages = new LinkedBlockingQueue<>();
        for (int i = 0; i < Lister.MAX_LISTINGS; i++) {
            assertThat(list(pages::add)).as("listing %d", i).isTrue();
        }
        List<ListedPage> all = new ArrayList<>();
        while (all.size() < Lister.MAX_LISTINGS) {
            ListedPage page = pages.poll(5, TimeUnit.MINUTES);
            assertThat(page).isNotNull();
            all.add(page);
        }

        assertThat(list(pages::add)).as("one more").isFalse();
        all.get(0).close();
        assertThat(list(pages::add))
                .as("in the place of the one that was taken")
                .isTrue();
        assertThat(list(pages::add)).isFalse();
    }

    @Test
    void aLookUpWaitsForNoListing() {
        for (int i = 0; i < 3; i++) {
            assertThat(list(this::hang)).isTrue();
        }

        CompletableFuture<Boolean> answered = new CompletableFuture<>();
        assertThat(store.store()
                        .lookup(new byte[] {1}, 1, new RequestHeaders(), (found, failure) -> answered.complete(true)))
                .isTrue();
        assertThat(await(answered)).isTrue();
    }

    private boolean list(Store.Listing listing) {
        return store.store().list(new byte[0], null, 1, listing);
    }

    private void hang(ListedPage page) {
        page.close();
        try {
            listsMayGoOn.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
