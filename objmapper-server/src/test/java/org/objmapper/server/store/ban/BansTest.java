package org.objmapper.server.store.ban;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.objmapper.server.store.index.IndexRecord;

/** The bans of a moment. */
class BansTest {
    private static final byte[] KEY = "/a/1".getBytes(StandardCharsets.US_ASCII);

    private static IndexRecord object(long generation) {
        return new IndexRecord(
                KEY,
                0,
                IndexRecord.NO_DEVICE,
                generation,
                generation,
                0,
                0,
                IndexRecord.NEVER,
                0,
                0,
                new byte[0],
                null);
    }

    private static RecordedPurge ban(long before) {
        return new RecordedPurge(before, Extent.ofPrefix("/a/".getBytes(StandardCharsets.US_ASCII)), false, null);
    }

    @Test
    void aBanHitsWhatIsOlderThanIt() {
        Bans bans = new Bans();
        assertThat(bans.active().hit(object(1))).isFalse();
        bans.add(ban(10));
        bans.add(ban(5));
        assertThat(bans.active().newest()).isEqualTo(10);
        assertThat(bans.active().hit(object(9))).isTrue();
        assertThat(bans.active().hit(object(10))).isFalse();
    }

    /** The object that a look-up found before its ban had it removed is given to nobody. */
    @Test
    void aLookUpGoesByTheBansThatThereWereWhenItBegan() {
        Bans bans = new Bans();
        RecordedPurge ban = ban(10);
        bans.add(ban);
        Bans.Active whenItBegan = bans.active();
        bans.drop(ban);
        assertThat(whenItBegan.hit(object(9))).isTrue();
        assertThat(whenItBegan.newest()).isEqualTo(10);
        assertThat(bans.active().hit(object(9))).isFalse();
        assertThat(bans.count()).isZero();
    }
}
