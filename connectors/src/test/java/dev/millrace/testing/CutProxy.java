package dev.millrace.testing;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// A TCP proxy between a client and a server that a test can cut, freeze, slow down and resume. Its
/// faults hit the connections of a [Wire]. Thread-safe.
public final class CutProxy implements AutoCloseable {

    /// A client of PostgreSQL first asks for encryption.
    private static final int FIRST_PACKETS = 2;

    /// A parameter of PostgreSQL's startup message.
    private static final String FOR_REPLICATION = "\0replication\0database\0";

    private final ServerSocket listener;
    private final String host;
    private final int port;
    private final Wire wire = new Wire();
    private volatile @Nullable Wire replication;

    /// Connections that have the same faults. Thread-safe.
    public static final class Wire {

        private final Set<Link> links = ConcurrentHashMap.newKeySet();
        private final AtomicReference<@Nullable String> cutAfter = new AtomicReference<>();
        private final AtomicReference<@Nullable String> loseAfter = new AtomicReference<>();
        private final AtomicLong bytesLeft = new AtomicLong(Long.MAX_VALUE);
        private volatile long bytesToClog = Long.MAX_VALUE;
        private volatile CountDownLatch flowing = new CountDownLatch(0);
        private volatile boolean refusing;
        private volatile Duration latency = Duration.ZERO;
        private volatile long bytesPerSecond = Long.MAX_VALUE;

        private Wire() {}

        /// Breaks every connection; new ones are let through.
        public void cut() {
            links.forEach(Link::close);
            links.removeIf(link -> !link.lost);
        }

        /// Breaks every connection and lets no new one through until [#resume].
        public void refuse() {
            refusing = true;
            cut();
        }

        /// Breaks every connection with a reset, which discards what is on its way; new ones are
        /// let through.
        public void reset() {
            for (Link link : links) {
                try {
                    link.client.setSoLinger(true, 0);
                    link.server.setSoLinger(true, 0);
                } catch (SocketException _) {
                    // It is closed already.
                }
            }
            cut();
        }

        /// Every packet waits for this time, in both directions.
        public void delay(Duration time) {
            latency = time;
        }

        /// Each connection transfers at most this in a second, in each direction.
        public void limit(long bytes) {
            bytesPerSecond = bytes;
        }

        /// After this number of bytes, in the middle of a packet, the connection breaks; then new
        /// ones are let through without a limit.
        public void cutAfter(long bytes) {
            bytesLeft.set(bytes);
        }

        /// Nothing flows in either direction, and nothing breaks.
        public void freeze() {
            flowing = new CountDownLatch(1);
        }

        /// The connections of this moment lose everything from now on, and neither side learns it:
        /// what a firewall does that has forgotten a connection. New ones are let through.
        public void lose() {
            links.forEach(link -> link.lost = true);
        }

        /// After this number of bytes, a client that sends to the server waits without end, as soon
        /// as the buffers are full: nothing of this one connection is read any more. New ones are
        /// let through.
        public synchronized void clogAfter(long bytes) {
            bytesToClog = bytes;
        }

        public boolean hasClogged() {
            return bytesToClog <= 0;
        }

        /// The next packet of a client that holds this text reaches the server whole; from then on
        /// its connection loses everything, as after [#lose].
        public void loseAfterSending(String text) {
            loseAfter.set(text);
        }

        public boolean hasLost() {
            return loseAfter.get() == null;
        }

        /// Ends everything that a test has begun, except that lost connections stay lost.
        public void resume() {
            refusing = false;
            latency = Duration.ZERO;
            bytesPerSecond = Long.MAX_VALUE;
            bytesLeft.set(Long.MAX_VALUE);
            flowing.countDown();
        }

        private void slow(int bytes) {
            long limit = bytesPerSecond;
            long nanos =
                    latency.toNanos()
                            + (limit == Long.MAX_VALUE
                                    ? 0
                                    : TimeUnit.SECONDS.toNanos(bytes) / limit);
            if (nanos > 0) {
                LockSupport.parkNanos(nanos);
            }
        }

        /// How many of the bytes still pass; all of them if the connection does not break.
        private int passing(int read) {
            long before = bytesLeft.get();
            if (before == Long.MAX_VALUE || bytesLeft.addAndGet(-read) >= 0) {
                return read;
            }
            bytesLeft.set(Long.MAX_VALUE);
            return (int) Math.clamp(before, 0, read - 1L);
        }

        private synchronized boolean clogs(int read) {
            if (hasClogged() || bytesToClog == Long.MAX_VALUE) {
                return false;
            }
            bytesToClog -= read;
            return hasClogged();
        }

        /// Once for each text.
        private static boolean contains(
                AtomicReference<@Nullable String> next, byte[] buffer, int length) {
            String text = next.get();
            return text != null
                    && CutProxy.contains(buffer, length, text)
                    && next.compareAndSet(text, null);
        }
    }

    private static final class Link {

        private final Socket client;
        private final Socket server;
        private volatile Wire wire;
        private volatile boolean lost;
        private final CountDownLatch ended = new CountDownLatch(1);

        /// Confined to the thread that sends to the server.
        private int packets;

        Link(Socket client, Socket server, Wire wire) {
            this.client = client;
            this.server = server;
            this.wire = wire;
        }

        /// A lost connection is open on both sides until the proxy is closed.
        void close() {
            if (!lost) {
                end();
            }
        }

        void end() {
            ended.countDown();
            closeQuietly(client);
            closeQuietly(server);
        }
    }

    private CutProxy(String host, int port) {
        this.host = host;
        this.port = port;
        try {
            listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofPlatform().daemon().name("cut-proxy").start(this::accept);
    }

    /// A proxy to a server that may start later.
    public static CutProxy before(String host, int port) {
        return new CutProxy(host, port);
    }

    public static CutProxy before(TestDatabase database) {
        URI server = URI.create(database.url().substring("jdbc:".length()));
        return new CutProxy(server.getHost(), server.getPort());
    }

    public int port() {
        return listener.getLocalPort();
    }

    /// The same database, reached through this proxy.
    public TestDatabase through(TestDatabase database) {
        URI server = URI.create(database.url().substring("jdbc:".length()));
        return database.at(
                "jdbc:postgresql://127.0.0.1:" + listener.getLocalPort() + server.getPath());
    }

    /// Every connection that is not on the wire of [#splitReplication].
    public Wire wire() {
        return wire;
    }

    /// Gives connections for replication a wire of their own. Before the first connection.
    public Wire splitReplication() {
        Wire split = new Wire();
        replication = split;
        return split;
    }

    /// Breaks every connection; new ones are let through.
    public void cut() {
        wire.cut();
    }

    /// Breaks every connection and lets no new one through until [#resume].
    public void refuse() {
        wire.refuse();
    }

    /// The next packet of a client that holds this text reaches the server whole; then the
    /// connection breaks before the client reads an answer.
    public void cutAfterSending(String text) {
        wire.cutAfter.set(text);
    }

    public boolean hasCut() {
        return wire.cutAfter.get() == null;
    }

    /// Nothing flows in either direction, and nothing breaks.
    public void freeze() {
        wire.freeze();
    }

    public void resume() {
        wire.resume();
    }

    @Override
    public void close() {
        close(wire);
        Wire split = replication;
        if (split != null) {
            close(split);
        }
        try {
            listener.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void close(Wire ending) {
        ending.refuse();
        ending.links.forEach(Link::end);
        ending.flowing.countDown();
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                if (wire.refusing) {
                    client.close();
                } else {
                    connect(client);
                }
            } catch (IOException _) {
                // The listener was closed, or the client is gone already.
            }
        }
    }

    private void connect(Socket client) throws IOException {
        try {
            Link link = new Link(client, new Socket(host, port), wire);
            client.setTcpNoDelay(true);
            link.server.setTcpNoDelay(true);
            wire.links.add(link);
            Thread.ofPlatform().daemon().start(() -> pump(link, true));
            Thread.ofPlatform().daemon().start(() -> pump(link, false));
        } catch (IOException _) {
            // The server does not listen.
            client.close();
        }
    }

    private void pump(Link link, boolean toServer) {
        byte[] buffer = new byte[1 << 16];
        try {
            var in = (toServer ? link.client : link.server).getInputStream();
            var out = (toServer ? link.server : link.client).getOutputStream();
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                if (toServer) {
                    move(link, buffer, read);
                }
                Wire now = link.wire;
                now.flowing.await();
                now.slow(read);
                if (!link.lost && !pass(link, toServer, buffer, read, out)) {
                    break;
                }
                if (toServer && now.clogs(read)) {
                    link.lost = true;
                    link.ended.await();
                }
            }
        } catch (IOException _) {
            // One side is gone.
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            if (toServer || !link.client.isClosed()) {
                link.close();
            }
            if (!link.lost) {
                link.wire.links.remove(link);
            }
        }
    }

    /// @return false when the connection ends here
    private static boolean pass(
            Link link, boolean toServer, byte[] buffer, int read, OutputStream out)
            throws IOException {
        int passing = link.wire.passing(read);
        if (passing < read) {
            out.write(buffer, 0, passing);
            out.flush();
            return false;
        }
        boolean cuts = toServer && Wire.contains(link.wire.cutAfter, buffer, read);
        if (cuts) {
            closeQuietly(link.client);
        }
        if (toServer && Wire.contains(link.wire.loseAfter, buffer, read)) {
            link.lost = true;
        }
        out.write(buffer, 0, read);
        out.flush();
        if (cuts) {
            // The server reads to the end of what was sent before it learns that nobody listens.
            link.server.shutdownOutput();
            var answers = link.server.getInputStream();
            while (answers.read(buffer) >= 0) {
                // What it answers is for nobody.
            }
        }
        return !cuts;
    }

    private void move(Link link, byte[] buffer, int read) {
        Wire split = replication;
        if (split != null
                && link.packets++ < FIRST_PACKETS
                && contains(buffer, read, FOR_REPLICATION)) {
            wire.links.remove(link);
            split.links.add(link);
            link.wire = split;
            if (split.refusing) {
                link.close();
            }
        }
    }

    private static boolean contains(byte[] buffer, int length, String text) {
        return new String(buffer, 0, length, StandardCharsets.ISO_8859_1).contains(text);
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException _) {
            // It is gone either way.
        }
    }
}
