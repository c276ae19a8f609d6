package dev.millrace.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// A TCP proxy between a client and a server that a test can cut, freeze and resume. Safe for any
/// thread.
public final class CutProxy implements AutoCloseable {

    private final ServerSocket listener;
    private final String host;
    private final int port;
    private final Set<Link> links = ConcurrentHashMap.newKeySet();
    private final AtomicReference<@Nullable String> cutAfter = new AtomicReference<>();
    private volatile CountDownLatch flowing = new CountDownLatch(0);
    private volatile boolean refusing;

    private record Link(Socket client, Socket server) {
        void close() {
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

    public static CutProxy before(TestDatabase database) {
        URI server = URI.create(database.url().substring("jdbc:".length()));
        return new CutProxy(server.getHost(), server.getPort());
    }

    /// The same database, reached through this proxy.
    public TestDatabase through(TestDatabase database) {
        URI server = URI.create(database.url().substring("jdbc:".length()));
        return new TestDatabase(
                "jdbc:postgresql://127.0.0.1:" + listener.getLocalPort() + server.getPath(),
                database.username(),
                database.password());
    }

    /// Breaks every connection; new ones are let through.
    public void cut() {
        links.forEach(Link::close);
        links.clear();
    }

    /// Breaks every connection and lets no new one through until [#resume].
    public void refuse() {
        refusing = true;
        cut();
    }

    /// The next packet of a client that holds this text reaches the server whole; then the
    /// connection breaks before the client reads an answer.
    public void cutAfterSending(String text) {
        cutAfter.set(text);
    }

    public boolean hasCut() {
        return cutAfter.get() == null;
    }

    /// Nothing flows in either direction, and nothing breaks.
    public void freeze() {
        flowing = new CountDownLatch(1);
    }

    public void resume() {
        refusing = false;
        flowing.countDown();
    }

    @Override
    public void close() {
        refuse();
        flowing.countDown();
        try {
            listener.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                if (refusing) {
                    client.close();
                    continue;
                }
                Link link = new Link(client, new Socket(host, port));
                client.setTcpNoDelay(true);
                link.server().setTcpNoDelay(true);
                links.add(link);
                Thread.ofPlatform().daemon().start(() -> pump(link, true));
                Thread.ofPlatform().daemon().start(() -> pump(link, false));
            } catch (IOException _) {
                // The listener was closed, or one side left before it came through.
            }
        }
    }

    private void pump(Link link, boolean toServer) {
        byte[] buffer = new byte[1 << 16];
        try {
            var in = (toServer ? link.client() : link.server()).getInputStream();
            var out = (toServer ? link.server() : link.client()).getOutputStream();
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                flowing.await();
                boolean cuts = toServer && isToCut(buffer, read);
                if (cuts) {
                    closeQuietly(link.client());
                }
                out.write(buffer, 0, read);
                out.flush();
                if (cuts) {
                    // The server reads to the end of what was sent before it learns that nobody
                    // listens.
                    link.server().shutdownOutput();
                    in = link.server().getInputStream();
                    while (in.read(buffer) >= 0) {
                        // What it answers is for nobody.
                    }
                    break;
                }
            }
        } catch (IOException _) {
            // One side is gone.
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            if (toServer || !link.client().isClosed()) {
                link.close();
                links.remove(link);
            }
        }
    }

    private boolean isToCut(byte[] buffer, int length) {
        String text = cutAfter.get();
        return text != null
                && new String(buffer, 0, length, StandardCharsets.ISO_8859_1).contains(text)
                && cutAfter.compareAndSet(text, null);
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException _) {
            // It is gone either way.
        }
    }
}
