package org.objmapper.nativeio;

import java.nio.ByteBuffer;

/**
 * The system calls of the JNI shim, and the only class with native methods. A result below 0 is the negative errno
 * ({@link Errno}); nothing throws. Addresses are of direct buffers that the caller keeps alive. Paths end with a NUL byte. All methods may be
 * called from any thread; what two threads do to one descriptor is their own affair.
 */
public final class NativeIo {
    /** Bytes of one received event, and where its fields are ({@code struct event} in engine.h). */
    public static final int EVENT_SIZE = 1184;

    public static final int EVENT_TOKEN = 0;
    public static final int EVENT_RESULT = 8;
    public static final int EVENT_FLAGS = 12;
    public static final int EVENT_OFFSET = 16;
    public static final int EVENT_DESCRIPTOR_COUNT = 20;
    /** How many descriptors came in one message, at most. */
    public static final int EVENT_LARGEST_MESSAGE = 24;

    public static final int EVENT_DESCRIPTORS = 28;

    /** More may wait in the socket: ask again. */
    public static final int FLAG_MORE = 1;
    /** Descriptors were lost (MSG_CTRUNC). */
    public static final int FLAG_LOST = 2;

    public static final int FLAG_WRITABLE = 4;
    /** The peer sends no more, or the socket failed. */
    public static final int FLAG_ENDED = 8;
    /** A listener's event: the result is the new socket; uid, gid and pid stand in the descriptors' place. */
    public static final int FLAG_ACCEPTED = 16;
    /** The session is paused, so nothing was received. */
    public static final int FLAG_UNREAD = 32;
    /** In a turn's first event: it came while the call looked for events, before it slept. */
    public static final int FLAG_FOUND_AWAKE = 64;

    /** The bytes still wait in the socket, to be drained when they are answered. */
    public static final int FLAG_PEEKED = 128;

    /** Bytes of one entry of what is to be drained: a token and a length. */
    public static final int DRAIN_SIZE = 16;

    /** How a session's input is taken: peeked where it comes without descriptors; not at all; received. */
    public static final byte MODE_PEEK = 0;

    public static final byte MODE_PAUSED = 1;
    public static final byte MODE_RECEIVE = 2;
    /** Received, by the engine epoll, which is also woken when the client takes what was sent; no event comes of that. */
    public static final byte MODE_ALONE = 3;

    public static final int ENGINE_EPOLL = 0;
    public static final int ENGINE_IO_URING = 1;

    public static final long KIND_SESSION = 0L;
    public static final long KIND_LISTENER = 1L;
    public static final long KIND_WAKEUP = 2L;

    /** Bytes of one command, and where its fields are ({@code struct command} in send.c). */
    public static final int COMMAND_SIZE = 48;

    public static final int COMMAND_SOCKET = 0;
    public static final int COMMAND_KIND = 4;
    public static final int COMMAND_ADDRESS = 8;
    public static final int COMMAND_LENGTH = 16;
    public static final int COMMAND_FILE = 24;
    public static final int COMMAND_DESCRIPTOR_COUNT = 28;
    public static final int COMMAND_DESCRIPTORS = 32;
    public static final int COMMAND_RESULT = 40;

    public static final int SEND_BYTES = 0;
    public static final int SEND_FILE_IN_KERNEL = 1;
    public static final int SEND_FILE_BY_COPY = 2;
    /** As {@link #SEND_FILE_IN_KERNEL} for bytes that were just read, without asking whether they are in memory. */
    public static final int SEND_FILE_IN_KERNEL_UNCHECKED = 3;
    /** As {@link #SEND_BYTES} if the peer has read all that was sent to it before; else -EBUSY. */
    public static final int SEND_BYTES_ONCE_ALL_IS_READ = 4;

    /** In the place of a path's address: the open descriptor is passed itself, and not a fresh one of its file. */
    public static final long PASS_ITSELF = -1;

    static {
        NativeLibrary.load();
    }

    private NativeIo() {}

    /** What epoll gives back for a descriptor. */
    public static long token(long kind, int slot, int descriptor) {
        return kind << 56 | (long) slot << 32 | Integer.toUnsignedLong(descriptor);
    }

    public static int tokenKind(long token) {
        return (int) (token >>> 56);
    }

    public static int tokenSlot(long token) {
        return (int) (token >>> 32) & 0xffffff;
    }

    /**
     * Drains what stands at {@code drains}, receives for the sessions whose tokens stand at {@code again}, waits up to
     * {@code timeoutMillis} (-1: for ever; not at all if there are such), looking for events for {@code spinNanos} before it sleeps, and
     * receives for all that are ready; returns the number of events, or a negative errno.
     */
    public static native int receive(
            long engine,
            long arena,
            int arenaSize,
            int slice,
            long events,
            int eventRoom,
            long again,
            int againCount,
            long drains,
            int drainCount,
            long modes,
            int timeoutMillis,
            long spinNanos);

    /** Carries out send commands in order and writes their results. */
    public static native void send(long commands, int count, long scratch, int scratchSize);

    /**
     * A read-only descriptor of an open one's file, with an open file description of its own: by the file's path where that is not 0 and
     * takes no disk to follow.
     */
    public static native int reopen(int open, int directory, long path);

    /** An engine for sessions in so many slots: its address, for {@link #engineClose} to free. */
    public static native long engineOpen(int kind, int slots);

    /** Makes the calling thread the one that receives, sends, adds and removes sessions from here on. */
    public static native int engineStart(long engine);

    public static native void engineClose(long engine);

    /** Has the engine wait for what a token names. */
    public static native int engineAdd(long engine, long token);

    /** Has events of a session say too when its socket takes bytes again; once for each session. */
    public static native int engineAwaitWritable(long engine, long token);

    /**
     * Forgets a session, whose socket is to be closed, or to be another engine's; so many bytes of its input are peeked and not drained.
     * Below 0 where those can't be taken out of the socket.
     */
    public static native int engineRemove(long engine, long token, long peeked);

    public static native int eventfd();

    public static native int wake(int eventfd);

    /** A socket that listens at a path (without NUL). */
    public static native int listen(byte[] path, int backlog);

    /** 0 when a server listens at a path (without NUL). */
    public static native int probe(byte[] path);

    /** Accepts one connection; its socket does not block. */
    public static native int accept(int listener);

    /**
     * A socket that waits, connected to the one that listens at a path (without NUL). A wait that takes longer than {@code timeoutMillis},
     * of 0 to 2^31-1, ends with -EAGAIN, that for the connection too; 0 is for ever.
     */
    public static native int connect(byte[] path, int timeoutMillis);

    /**
     * Receives bytes, and at most one descriptor with them: its number, or -1 for none, is written to {@code descriptor}, the caller's to
     * close, also when the result is an error. Returns 0 at the end of the stream; -EMFILE when a descriptor was lost; -EAGAIN when
     * there is nothing and the call shall not wait, or the socket's time is over.
     */
    public static native long receiveOne(int socket, long address, int length, int[] descriptor, boolean wait);

    /** Sends what the socket takes at once, without descriptors; all of it, if the socket waits. */
    public static native long sendOnce(int socket, long address, int length);

    /** How many threads of the machine run or want to, this one too, by /proc/loadavg: that is two system calls and no wait. */
    public static native int runnableThreads();

    /**
     * Keeps the calling thread on the processor of that index among those allowed; returns the processor's number. Threads that it starts
     * are kept there too, until they {@link #unpin}.
     */
    public static native int pin(int index);

    /** Lets the calling thread run wherever the process's first one may; returns 0, or a negative errno. */
    public static native int unpin();

    public static native int openAt(int directory, byte[] name, int flags, int mode);

    public static native int makeDirectoryAt(int directory, byte[] name, int mode);

    public static native int linkAt(int descriptor, int directory, byte[] name);

    public static native int unlinkAt(int directory, byte[] name);

    /** The length of a file, by its name: it isn't opened. */
    public static native long lengthAt(int directory, byte[] name);

    public static native int close(int descriptor);

    public static native int fsync(int descriptor);

    public static native long read(int descriptor, long address, long length, long offset);

    public static native long write(int descriptor, long address, long length, long offset);

    public static native int statusFlags(int descriptor);

    public static native int seals(int descriptor);

    /** Whether a descriptor is one of a regular file; asks no file system that might hang. */
    public static native boolean isRegularFile(int descriptor);

    /** Writes mode, length and device of a file; asks no file system that might hang. */
    public static native int describe(int descriptor, long[] into);

    public static native int reflink(int from, int to);

    public static native long copyRange(int from, long offset, int to, long length);

    /** A read-only descriptor of sealed memory with a copy of the bytes. */
    public static native int sealedMemory(long address, int length);

    /** An empty piece of memory, to be written and then {@link #seal}ed. */
    public static native int newMemory();

    /**
     * Seals a piece of memory, so that nobody can write to it, cut it off or make it longer any more, and gives a descriptor of it that is
     * open for reading only; the one that was written through stays open.
     */
    public static native int seal(int memory);

    public static native long freeBytes(int descriptor);

    /**
     * Whether the file system of a descriptor is one (ext4, XFS, Btrfs, F2FS, tmpfs) that opens and closes files that it knows without
     * asking a disk, a network or another process. Asks the file system itself, which may hang.
     */
    public static native boolean opensAtOnce(int descriptor);

    /**
     * 1 where anyone has the file of a descriptor open or mapped besides this descriptor itself, else 0. The descriptor must be open for
     * reading only, and never have been passed on; the caller owns the file or may lease what others own. Only after {@link #proveIsHeld}.
     */
    public static native int isHeld(int descriptor);

    /**
     * 1 where {@link #isHeld} answers rightly about files on the file system of a directory, 0 where it doesn't: tried with a file that
     * has no name. From then on the process ignores SIGIO, which would end it when somebody opens a file in the moment of a question.
     */
    public static native int proveIsHeld(int directory);

    /** As {@link #proveIsHeld}, of sealed memory. */
    public static native int proveIsMemoryHeld();

    public static native long raiseDescriptorLimit();

    /**
     * Makes this process run a program, found along PATH, with a descriptor as its standard input and no other but its outputs; returns
     * only when that failed. Each word, the program's name first, ends with a NUL.
     */
    public static native int execute(int standardInput, byte[] words);

    /**
     * Sets a variable of this process's environment, as {@link #execute} hands it on; removes it when the value is empty. The name, and
     * a value that is not empty, end with a NUL. Not while another thread reads the environment.
     */
    public static native int setEnvironment(byte[] name, byte[] value);

    /** The address of a direct buffer's first byte. */
    public static native long address(ByteBuffer direct);
}
