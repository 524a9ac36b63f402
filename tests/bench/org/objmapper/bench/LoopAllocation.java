package org.objmapper.bench;

import com.sun.management.ThreadMXBean;
import com.sun.tools.attach.VirtualMachine;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.util.Map;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.objmapper.client.ObjmapperClient;

/** How many bytes a server's event loops allocate on the heap for each request. */
final class LoopAllocation implements AutoCloseable {
    private static final String HITS = "objmapper_store_hits_total";

    private final JMXConnector connector;
    private final ThreadMXBean threads;

    @SuppressWarnings("BanJNDI") // the process at the other end is our own
    private LoopAllocation(long pid) throws Exception {
        VirtualMachine machine = VirtualMachine.attach(Long.toString(pid));
        try {
            connector = JMXConnectorFactory.connect(new JMXServiceURL(machine.startLocalManagementAgent()));
        } finally {
            machine.detach();
        }
        threads = ManagementFactory.newPlatformMXBeanProxy(
                connector.getMBeanServerConnection(), ManagementFactory.THREAD_MXBEAN_NAME, ThreadMXBean.class);
    }

    /** While some load is put on the server. */
    static Sample measure(ObjmapperServer server, Side load, Lab lab) throws Exception {
        load.measure(lab); // what is compiled and grown is there
        try (LoopAllocation allocation = new LoopAllocation(server.pid());
                ObjmapperClient client =
                        ObjmapperClient.builder(server.socket()).build()) {
            long hits = hits(client);
            long bytes = allocation.bytes();
            load.measure(lab);
            double allocated = allocation.bytes() - bytes;
            return Sample.of(Figure.ALLOCATED, allocated / (hits(client) - hits));
        }
    }

    private static long hits(ObjmapperClient client) throws Exception {
        Map<String, Long> figures = client.stat();
        return figures.get(HITS);
    }

    private long bytes() {
        long all = 0;
        for (ThreadInfo thread : threads.getThreadInfo(threads.getAllThreadIds())) {
            if (thread != null && thread.getThreadName().startsWith("loop-")) {
                all += threads.getThreadAllocatedBytes(thread.getThreadId());
            }
        }
        return all;
    }

    @Override
    public void close() throws Exception {
        connector.close();
    }
}
