package org.objmapper.server.store.index;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the index holds by tier and device, as of one commit. They stand in its state as {@code totals/TIER/DEVICE}: objects, bytes,
 * evictable objects and their bytes. Not safe to change by several threads; nobody changes one that readers see.
 */
final class Accounts {
    /** How the names of all of them start. */
    static final byte[] NAMES = "totals/".getBytes(StandardCharsets.US_ASCII);

    private static final int BYTES = 4 * Long.BYTES;

    private final Map<String, Totals> before;
    private final Map<String, Totals> accounts;

    Accounts() {
        before = Map.of();
        accounts = new TreeMap<>();
    }

    /** The same, to be changed by the next commit. */
    Accounts(Accounts before) {
        this.before = before.accounts;
        this.accounts = new TreeMap<>(before.accounts);
    }

    private static String name(int tier, int device) {
        return "totals/" + tier + "/" + device;
    }

    /** Takes in what stands in the state. */
    void load(byte[] name, byte[] value) {
        ByteBuffer buffer = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
        Totals totals = new Totals(buffer.getLong(), buffer.getLong(), buffer.getLong(), buffer.getLong());
        accounts.put(new String(name, StandardCharsets.US_ASCII), totals);
    }

    Totals of(int tier, int device) {
        return accounts.getOrDefault(name(tier, device), Totals.NONE);
    }

    /** All objects, each of which the backing tier has. */
    Totals all() {
        Totals sum = Totals.NONE;
        for (Map.Entry<String, Totals> account : accounts.entrySet()) {
            if (account.getKey().startsWith("totals/" + IndexRecord.BACKING + "/")) {
                sum = sum.plus(account.getValue());
            }
        }
        return sum;
    }

    void plus(IndexRecord record) {
        String name = name(IndexRecord.BACKING, record.device());
        accounts.put(name, accounts.getOrDefault(name, Totals.NONE).plus(Totals.of(record)));
    }

    void minus(IndexRecord record) {
        String name = name(IndexRecord.BACKING, record.device());
        accounts.put(name, accounts.getOrDefault(name, Totals.NONE).minus(Totals.of(record)));
    }

    /** As {@link #minus}, of a record whose length can't be told; on the device that it names, which may be damaged too. */
    void minusDamaged(byte[] stored) {
        String named = name(IndexRecord.BACKING, IndexRecord.deviceOf(stored));
        String name = accounts.containsKey(named) ? named : name(IndexRecord.BACKING, IndexRecord.NO_DEVICE);
        accounts.put(name, accounts.getOrDefault(name, Totals.NONE).minusDamaged());
    }

    /** What the state is to be told: those that have changed. */
    List<IndexRow> changes() {
        return changesFrom(before);
    }

    /** What the state is to be told where it says something else. */
    List<IndexRow> changesFrom(Accounts said) {
        said.accounts.keySet().forEach(name -> accounts.putIfAbsent(name, Totals.NONE));
        return changesFrom(said.accounts);
    }

    private List<IndexRow> changesFrom(Map<String, Totals> said) {
        List<IndexRow> rows = new ArrayList<>();
        accounts.forEach((name, totals) -> {
            if (!totals.equals(said.get(name))) {
                byte[] value = ByteBuffer.allocate(BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(totals.objects())
                        .putLong(totals.bytes())
                        .putLong(totals.evictableObjects())
                        .putLong(totals.evictableBytes())
                        .array();
                rows.add(new IndexRow(IndexRow.Table.STATE, name.getBytes(StandardCharsets.US_ASCII), value));
            }
        });
        return rows;
    }
}
