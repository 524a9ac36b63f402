package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Operation;
import org.objmapper.server.config.Configuration;
import org.objmapper.server.config.Configuration.CacheSettings;
import org.objmapper.server.config.Configuration.CapacitySettings;
import org.objmapper.server.config.Configuration.CheckSettings;
import org.objmapper.server.config.Configuration.LimitSettings;
import org.objmapper.server.config.Configuration.TimeoutSettings;
import org.objmapper.server.config.ListenerSettings;
import org.objmapper.server.config.StoreSettings;
import org.objmapper.server.exchange.Exchanges;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.store.Store;
import org.objmapper.server.store.StoreOptions;
import org.objmapper.server.store.TierOptions;
import org.objmapper.server.store.check.CheckOptions;
import org.objmapper.server.store.device.DeviceOptions;
import org.objmapper.server.store.eviction.PolicyName;
import org.objmapper.server.store.tier.Capacity;
import org.objmapper.server.transport.EngineKind;
import org.objmapper.server.transport.Listener;
import org.objmapper.server.transport.ListenerRules;
import org.objmapper.server.transport.LoopOptions;
import org.objmapper.server.transport.Server;
import org.objmapper.server.transport.ServerLimits;
import org.objmapper.server.transport.Service;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A server that runs: stores, listeners and loops, made from the configuration. Owns them all. */
final class ServerRun implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ServerRun.class);
    /** ADMIN asks itself who it is. */
    private static final List<Integer> ALWAYS_SERVED =
            List.of(Operation.PING, Operation.CANCEL, Operation.GOODBYE, Operation.ADMIN);

    private final List<Store> stores;
    private final Server server;
    private volatile boolean hurried;
    private volatile @Nullable Thread closing;

    private ServerRun(List<Store> stores, Server server) {
        this.stores = stores;
        this.server = server;
    }

    /** Opens the stores, then the sockets; when it returns, clients can connect. */
    static ServerRun start(Configuration configuration) throws IOException {
        NativeIo.raiseDescriptorLimit();
        List<Store> stores = new ArrayList<>();
        List<Service> services = new ArrayList<>();
        try {
            for (StoreSettings settings : configuration.stores()) {
                stores.add(openStore(configuration, settings));
            }
            for (int i = 0; i < stores.size(); i++) {
                Store store = stores.get(i);
                services.add(new Service(listen(configuration.stores().get(i)), () -> new Exchanges(store)));
            }
            Server server = new Server(limits(configuration), services, loops(configuration));
            for (Store store : stores) {
                store.metrics().show(Metric.SESSIONS, server::sessions);
                store.metrics().show(Metric.SESSION_MOVES, server::moves);
                store.metrics().show(Metric.HELD_INPUT_BYTES, server::heldInputBytes);
            }
            server.start();
            return new ServerRun(stores, server);
        } catch (IOException | RuntimeException e) {
            services.forEach(service -> service.listeners().forEach(Listener::close));
            stores.forEach(Store::close);
            throw e;
        }
    }

    /** Lets the sessions finish what they have begun, for the drain timeout at most, and ends what is left. */
    void drain() throws InterruptedException {
        LOG.info("stops; sessions={}", server.sessions());
        Server.GivenUp left = server.drain();
        if (left.sessions() > 0 || left.requests() > 0) {
            LOG.warn(
                    "stopped before all was done; sessions={} requests={} were given up",
                    left.sessions(),
                    left.requests());
        }
    }

    /** Lets a drain and a close, under way or to come, wait no longer. Any thread. */
    void hurry() {
        LOG.info("waits no longer for what is in flight; sessions={}", server.sessions());
        server.cutDrainShort();
        hurried = true;
        Thread waits = closing;
        if (waits != null) {
            waits.interrupt();
        }
    }

    @Override
    public void close() {
        closing = Thread.currentThread();
        if (hurried) {
            closing.interrupt();
        }
        server.close();
        stores.forEach(Store::close);
        closing = null;
        Thread.interrupted(); // it was for these waits
    }

    private static Store openStore(Configuration configuration, StoreSettings settings) throws IOException {
        return Store.open(StoreOptions.of(settings.directory())
                .withDevice(settings.deviceThreads(), settings.deviceQueueLength())
                .withDevices(settings.deviceWeight(), moreDevices(settings))
                .withPassedQueue(settings.passedQueueLength(), settings.passedQueueLengthPerUser())
                .withMemory(settings.objectMemoryBytes(), settings.uploadMemoryPerSessionBytes())
                .withHeld(
                        settings.heldBytesPerSession(), configuration.timeouts().heldMillis())
                .withChecks(checks(settings.checks()))
                .withDrain(settings.drainBytesPerSecond())
                .withOfflineMisses(settings.offlineMisses())
                .withCapacity(capacity(settings.capacity()))
                .withTiers(tiers(settings))
                .withValidityTable(validityTable(settings))
                .withMaxObjectBytes(configuration.limits().maxObjectBytes())
                .withPassedDescriptorUids(configuration.passedDescriptorUids())
                .withPartOfProcess(configuration.stores().size()));
    }

    /** Beside the store's first socket, where a directory of the machine's memory is. */
    private static Path validityTable(StoreSettings settings) {
        Path socket = settings.listeners().get(0).path();
        return socket.resolveSibling(socket.getFileName() + ".validity");
    }

    private static TierOptions tiers(StoreSettings settings) {
        CapacitySettings memory = settings.memory();
        CacheSettings cache = settings.cache();
        return new TierOptions(
                memory == null ? null : capacity(memory),
                cache == null
                        ? null
                        : new TierOptions.CacheOptions(
                                cache.directory(),
                                capacity(cache.capacity()),
                                settings.deviceThreads(),
                                settings.deviceQueueLength()));
    }

    private static Capacity capacity(CapacitySettings settings) {
        return new Capacity(
                settings.bytes(),
                settings.objects(),
                settings.highWatermark(),
                settings.lowWatermark(),
                PolicyName.valueOf(settings.eviction().toUpperCase(Locale.ROOT)));
    }

    private static CheckOptions checks(CheckSettings settings) {
        return CheckOptions.usual()
                .withRecovery(settings.recoveredPerSecond())
                .withScrub(settings.scrubBytesPerSecond())
                .withQuarantine(settings.quarantineBytes());
    }

    private static List<DeviceOptions> moreDevices(StoreSettings settings) {
        return settings.moreDevices().stream()
                .map(device ->
                        new DeviceOptions(device.directory(), device.weight(), device.threads(), device.queueLength()))
                .toList();
    }

    private static List<Listener> listen(StoreSettings settings) throws IOException {
        List<Listener> listeners = new ArrayList<>();
        try {
            for (ListenerSettings listener : settings.listeners()) {
                ListenerRules rules = new ListenerRules(listener.path().toString(), operations(listener));
                listeners.add(Listener.open(rules, listener.owner(), listener.group(), listener.mode()));
            }
            return listeners;
        } catch (IOException | RuntimeException e) {
            listeners.forEach(Listener::close);
            throw e;
        }
    }

    private static BitSet operations(ListenerSettings listener) {
        BitSet allowed = new BitSet();
        ALWAYS_SERVED.forEach(allowed::set);
        for (int operation = Operation.GET; operation <= Operation.STAT; operation++) {
            if (listener.operations().contains(Operation.nameOf(operation).toLowerCase(Locale.ROOT))) {
                allowed.set(operation);
            }
        }
        return allowed;
    }

    private static LoopOptions loops(Configuration configuration) {
        EngineKind engine = EngineKind.valueOf(configuration.engine().toUpperCase(Locale.ROOT));
        return new LoopOptions(
                configuration.loops(), engine, TimeUnit.MICROSECONDS.toNanos(configuration.spinMicros()));
    }

    private static ServerLimits limits(Configuration configuration) {
        LimitSettings limits = configuration.limits();
        TimeoutSettings timeouts = configuration.timeouts();
        return new ServerLimits(
                limits.maxSessions(),
                limits.maxRequests(),
                limits.maxFrameBytes(),
                limits.inlineLimitBytes(),
                limits.maxMessageDescriptors(),
                limits.maxQueuedDescriptors(),
                limits.maxHeldInputBytes(),
                (int) timeouts.helloMillis(),
                (int) timeouts.idleMillis(),
                (int) timeouts.frameMillis(),
                (int) timeouts.replyMillis(),
                (int) timeouts.drainMillis());
    }
}
