package org.objmapper.server.transport;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.exchange.SentFile;

/** The sending side of a loop: once a turn it offers what all its sessions have to send to the kernel, in one native call. */
final class Sender {
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
    private static final int COMMANDS = 512;
    private static final int DESCRIPTORS = 8 * 1024;
    private static final int DESCRIPTOR_SIZE = 16;
    private static final int SCRATCH = 256 * 1024;
    /** Bytes of files that one session may send in a turn, where no other wants anything but large bodies. */
    private static final int FILE_SHARE = 512 * 1024;
    /** The same where others do: they wait for the whole turn. Who has more than this to send has a large body. */
    private static final int FILE_SHARE_BESIDE_OTHERS = 64 * 1024;
    /** A session that had a large body so many turns ago is still at it, and one that had none still about to ask for more. */
    private static final int TURNS_REMEMBERED = 32;

    private final Loop loop;
    private final int descriptorShare;

    private final ByteBuffer commands = BufferPool.direct(COMMANDS * NativeIo.COMMAND_SIZE);
    private final ByteBuffer descriptors = BufferPool.direct(DESCRIPTORS * DESCRIPTOR_SIZE);
    private final ByteBuffer scratch = BufferPool.direct(SCRATCH);
    private final long commandsAddress = NativeIo.address(commands);
    private final long descriptorsAddress = NativeIo.address(descriptors);
    private final long scratchAddress = NativeIo.address(scratch);
    private final Segment[] offered = new Segment[COMMANDS];
    private final Session[] offeredBy = new Session[COMMANDS];

    private ArrayList<Session> withOutput = new ArrayList<>();
    private ArrayList<Session> sending = new ArrayList<>();
    private final ArrayList<Session> parked = new ArrayList<>();
    private final ArrayList<Session> large = new ArrayList<>();
    private long turn = TURNS_REMEMBERED;
    /** When somebody was answered who has no large body. */
    private long lastOther;

    private int fileShare = FILE_SHARE;
    private int descriptorsUsed;

    /**
     * A sender that sends nothing yet.
     *
     * @param descriptorShare how many descriptors a session may have in flight: sent, and not read by its client
     */
    Sender(Loop loop, int descriptorShare) {
        this.loop = loop;
        this.descriptorShare = descriptorShare;
    }

    /** Has a session's output sent at the end of this turn, unless it has to wait for its socket or for the next tick. */
    void hasOutput(Session session) {
        if (!session.dirty && !session.blocked && !session.parked) {
            session.dirty = true;
            withOutput.add(session);
        }
    }

    /** Whether nobody has anything that could be sent. */
    boolean isIdle() {
        return withOutput.isEmpty();
    }

    /** Lets those try again for whom there was no descriptor, or no room in the device's queue. */
    void tick() {
        for (int i = 0; i < parked.size(); i++) {
            Session session = parked.get(i);
            session.parked = false;
            if (!session.isClosed()) {
                hasOutput(session);
            }
        }
        parked.clear();
    }

    private void park(Session session) {
        session.parked = true;
        parked.add(session);
    }

    void send() {
        if (withOutput.isEmpty()) {
            return;
        }
        ArrayList<Session> list = withOutput;
        withOutput = sending;
        sending = list;
        putLargeBodiesLast(list);
        int from = 0;
        while (from < list.size()) {
            from = sendFrom(list, from);
        }
        list.clear();
    }

    /** Others have their answers before large bodies go on, and those go on in smaller steps while there are others. */
    private void putLargeBodiesLast(ArrayList<Session> list) {
        turn++;
        int kept = 0;
        for (int i = 0; i < list.size(); i++) {
            Session session = list.get(i);
            if (session.output.beginsWithFileBeyond(FILE_SHARE_BESIDE_OTHERS)) {
                session.lastLargeBody = turn;
                session.work.hadLargeBody();
                loop.note(session);
                large.add(session);
                continue;
            }
            if (turn - session.lastLargeBody > TURNS_REMEMBERED) {
                lastOther = turn;
            }
            if (!large.isEmpty()) {
                list.set(kept, session);
            }
            kept++;
        }
        for (int i = 0; i < large.size(); i++) {
            list.set(kept++, large.get(i));
        }
        large.clear();
        fileShare = turn - lastOther > TURNS_REMEMBERED ? FILE_SHARE : FILE_SHARE_BESIDE_OTHERS;
    }

    /** Offers what fits into one batch to the kernel, and returns the first session that did not fit. */
    private int sendFrom(ArrayList<Session> list, int from) {
        int count = 0;
        descriptorsUsed = 0;
        int at = from;
        while (at < list.size()) {
            Session session = list.get(at);
            int more = session.isClosed() ? 0 : offerOrClose(session, count);
            if (more < 0) {
                break;
            }
            count += more;
            session.dirty = false;
            at++;
        }
        if (count > 0) {
            NativeIo.send(commandsAddress, count, scratchAddress, SCRATCH);
            takeResults(count);
        }
        return at;
    }

    private int offerOrClose(Session session, int first) {
        try {
            return offer(session, first);
        } catch (RuntimeException | OutOfMemoryError e) {
            loop.defect(session, e);
            return 0;
        }
    }

    /** Writes the commands of one session; -1 where the batch has no room for them. */
    private int offer(Session session, int first) {
        int count = 0;
        int fileBytes = 0;
        int inFlight = session.descriptorsInFlight;
        session.output.prepare();
        for (Segment segment = session.output.head(); segment != null; segment = segment.next) {
            if (segment.warming || segment.isBody() || fileBytes >= fileShare && segment.leadsToFile()) {
                break;
            }
            if (first + count == COMMANDS || descriptorsUsed + segment.descriptorCount > DESCRIPTORS) {
                return first == 0 ? count : -1;
            }
            offered[first + count] = segment;
            offeredBy[first + count] = session;
            inFlight += segment.descriptorCount;
            int length = segment.file == null ? segment.length : Math.min(segment.length, fileShare - fileBytes);
            writeCommand((first + count) * NativeIo.COMMAND_SIZE, session, segment, length, inFlight > descriptorShare);
            fileBytes += segment.file == null ? 0 : length;
            count++;
            if (length < segment.length) {
                break;
            }
        }
        return count;
    }

    private void writeCommand(int at, Session session, Segment segment, int length, boolean beyondShare) {
        commands.putInt(at + NativeIo.COMMAND_SOCKET, session.socket);
        commands.putLong(at + NativeIo.COMMAND_LENGTH, length);
        commands.putInt(at + NativeIo.COMMAND_DESCRIPTOR_COUNT, segment.descriptorCount);
        SentFile file = segment.file;
        if (file == null) {
            boolean mustBeRead = beyondShare && segment.descriptorCount > 0;
            commands.putInt(
                    at + NativeIo.COMMAND_KIND,
                    mustBeRead ? NativeIo.SEND_BYTES_ONCE_ALL_IS_READ : NativeIo.SEND_BYTES);
            commands.putLong(at + NativeIo.COMMAND_ADDRESS, segment.address + segment.start);
            commands.putLong(
                    at + NativeIo.COMMAND_DESCRIPTORS, descriptorsAddress + (long) descriptorsUsed * DESCRIPTOR_SIZE);
            for (int i = 0; i < segment.descriptorCount; i++) {
                writeDescriptor(segment.descriptors[i]);
            }
        } else {
            commands.putInt(at + NativeIo.COMMAND_KIND, fileCommand(segment, file));
            commands.putLong(at + NativeIo.COMMAND_ADDRESS, segment.fileOffset);
            commands.putInt(at + NativeIo.COMMAND_FILE, file.descriptor());
        }
    }

    private static int fileCommand(Segment segment, SentFile file) {
        if (!segment.inKernel
                && !file.isMemory()) { // a read that must not wait is not to be had of memory, but sendfile is
            return NativeIo.SEND_FILE_BY_COPY;
        }
        return segment.warm || file.isKnownResident()
                ? NativeIo.SEND_FILE_IN_KERNEL_UNCHECKED
                : NativeIo.SEND_FILE_IN_KERNEL;
    }

    private void writeDescriptor(SentFile file) {
        int at = descriptorsUsed++ * DESCRIPTOR_SIZE;
        int passed = file.passedDescriptor();
        descriptors.putInt(at, passed >= 0 ? passed : file.descriptor());
        descriptors.putInt(at + 4, file.directory());
        descriptors.putLong(at + 8, passed >= 0 ? NativeIo.PASS_ITSELF : file.pathAddress());
    }

    private void takeResults(int count) {
        int end;
        for (int first = 0; first < count; first = end) {
            Session session = offeredBy[first];
            end = first + 1;
            while (end < count && offeredBy[end] == session) {
                end++;
            }
            try {
                takeResults(session, first, end);
            } catch (RuntimeException | OutOfMemoryError e) {
                loop.defect(session, e);
            }
        }
    }

    /** What became of the commands of one session. */
    private void takeResults(Session session, int first, int end) {
        int at = first;
        while (at < end && !session.isClosed() && takeResult(session, offered[at], at)) {
            at++;
        }
        if (!session.isClosed()) {
            session.sentSome();
            if (!session.output.isEmpty() && !isWarming(session)) {
                hasOutput(session);
            }
            loop.noteInputMode(session);
        }
    }

    private static boolean isWarming(Session session) {
        Segment head = session.output.head();
        return head != null && head.warming;
    }

    /** What became of one command; false when what follows on this session was not tried. */
    private boolean takeResult(Session session, Segment segment, int index) {
        int at = index * NativeIo.COMMAND_SIZE;
        long result = commands.getLong(at + NativeIo.COMMAND_RESULT);
        if (result < 0) {
            notSent(session, segment, (int) -result);
            return false;
        }
        if (result > 0) {
            boolean allIsRead = commands.getInt(at + NativeIo.COMMAND_KIND) == NativeIo.SEND_BYTES_ONCE_ALL_IS_READ;
            session.descriptorsInFlight = (allIsRead ? 0 : session.descriptorsInFlight) + segment.descriptorCount;
        }
        int offeredLength = segment.length;
        session.output.sent(segment, result);
        return result == offeredLength;
    }

    private void notSent(Session session, Segment segment, int errno) {
        switch (errno) {
            // When the client has read, the socket becomes writable once more.
            case Errno.EAGAIN, Errno.EBUSY -> loop.awaitWritable(session);
            case Errno.ENODATA -> warm(session, segment);
            case Errno.EMFILE, Errno.ENFILE -> outOfDescriptors(session, segment);
            case Errno.ETOOMANYREFS ->
                session.output.answerByCopy(segment, session.terms().maxFrame());
            default -> {
                boolean clientLeft = errno == Errno.EPIPE || errno == Errno.ECONNRESET;
                if (segment.file != null && !clientLeft) {
                    session.pieceFailed(segment);
                } else if (segment.descriptorCount > 0
                        && !clientLeft) { // one can't be opened anew: not the session's fault
                    session.output.answerByCopy(segment, session.terms().maxFrame());
                } else {
                    session.sendFailed(errno);
                }
            }
        }
    }

    /** Some of those kept at hand are closed and the session tries again at the next tick; if that was in vain, copies need none. */
    private void outOfDescriptors(Session session, Segment segment) {
        if (segment.starved) {
            session.output.answerByCopy(segment, session.terms().maxFrame());
            return;
        }
        segment.starved = true;
        loop.shedDescriptors();
        park(session);
    }

    /** The bytes are not in memory: a thread of the device reads them. */
    private void warm(Session session, Segment segment) {
        SentFile file = segment.file;
        if (file == null) {
            return;
        }
        file.foundCold();
        int length = Math.min(segment.length, SCRATCH);
        long offset = segment.fileOffset;
        segment.warming = true;
        file.pin();
        boolean queued = file.submit(
                in -> {
                    ByteBuffer bytes = BufferPool.direct(length);
                    long read = in.read(NativeIo.address(bytes), length, offset);
                    return () -> tell(session, file, () -> warmed(session, segment, bytes, read));
                },
                () -> tell(session, file, () -> warmed(session, segment, NOTHING, 0)));
        if (!queued) {
            file.unpin();
            segment.warming = false;
            park(session);
        }
    }

    private void tell(Session session, SentFile file, Runnable outcome) {
        loop.execute(session, () -> {
            file.unpin();
            outcome.run();
        });
    }

    private void warmed(Session session, Segment segment, ByteBuffer bytes, long read) {
        if (session.isClosed()) {
            return;
        }
        segment.warming = false;
        if (read <= 0) {
            session.pieceFailed(segment);
        } else if (segment.inKernel) {
            segment.warm = true;
        } else {
            session.output.replace(segment, bytes, (int) read);
        }
        hasOutput(session);
    }
}
