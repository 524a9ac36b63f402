package org.objmapper.server.exchange;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.Store;

/** ADMIN (protocol-spec.md 5.13): a command for the store, from root or from the server's own user. What was begun can't be cancelled. */
public final class AdminExchange extends Exchange {
    private static final int ROOT = 0;
    private static final int OWN = ownUid();

    private final Store store;
    private List<String> words = List.of();
    private boolean asked;
    private volatile @Nullable Told told;

    private record Told(Status status, String text) {}

    public AdminExchange(Peer peer, Output output, Store store) {
        super(peer, output);
        this.store = store;
    }

    private static int ownUid() {
        try {
            return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void decode(Frame frame, MetadataReader metadata) {
        remember(frame);
        if (peer.uid() != ROOT && peer.uid() != OWN) {
            refuse(Status.DENIED, "ADMIN is for root and the server's own user, and not for uid " + peer.uid());
        }
        refuseBody(frame);
        decodeEntries(metadata);
        if (words.isEmpty()) {
            refuse(Status.BAD_REQUEST, "ADMIN without COMMAND");
        }
    }

    @Override
    protected void decodeEntry(@Nullable MetadataType type, MetadataReader metadata) {
        if (type == MetadataType.COMMAND) {
            words = List.of(metadata.text().split("\n", -1));
        }
    }

    @Override
    public boolean run() {
        Told there = told;
        if (there != null) {
            return abandoned() || reply(there);
        }
        if (asked) {
            return abandoned();
        }
        if (isRefused()) {
            answerRefusal();
            return true;
        }
        asked = true;
        if (!store.manage(words, this::took)) {
            answer(Status.BUSY, "too many commands wait already");
            return true;
        }
        return false;
    }

    /** On one of the store's threads. */
    private void took(Status status, String text) {
        told = new Told(status, text);
        peer.resume(this);
    }

    private boolean reply(Told there) {
        if (there.status != Status.OK) {
            answer(there.status, there.text);
            return true;
        }
        byte[] text = there.text.getBytes(StandardCharsets.UTF_8);
        int length = wholeLines(text, peer.terms().maxFrame() - REPLY_ROOM);
        beginReply(length, 0, length).body().put(text, 0, length);
        output.end(null);
        return true;
    }

    /** How much of a text fits, to the end of a line. */
    private static int wholeLines(byte[] text, int room) {
        int length = Math.min(text.length, room);
        while (length > 0 && text[length - 1] != '\n') {
            length--;
        }
        return length;
    }
}
