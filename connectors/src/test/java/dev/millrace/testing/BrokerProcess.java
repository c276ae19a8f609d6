package dev.millrace.testing;

import dev.millrace.kafka.OpenBroker;
import dev.millrace.sandbox.Folders;
import dev.millrace.sandbox.LoopbackPort;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import org.awaitility.Awaitility;

/// A broker in a separate process, which can be killed and started again over the same log.
public final class BrokerProcess implements AutoCloseable {

    /// The broker flushes every record, which a disk takes milliseconds for.
    private final Path folder = TestFolders.createInMemory("broker");

    private final int port;
    private final int advertised;
    private ChildProcess process;

    public BrokerProcess() {
        this(LoopbackPort.free());
    }

    private BrokerProcess(int port) {
        this(port, port);
    }

    /// @param advertised the port to which its clients connect, for example that of a proxy
    public BrokerProcess(int port, int advertised) {
        this.port = port;
        this.advertised = advertised;
        process = launch();
        awaitListening(port);
    }

    public String bootstrapServers() {
        return "127.0.0.1:" + port;
    }

    public void kill() {
        process.close();
    }

    public void restart() {
        process = launch();
        awaitListening(port);
    }

    private ChildProcess launch() {
        return ChildProcess.start(
                JavaCommand.of("-Xmx512m")
                        .main(
                                BrokerProcess.class.getName(),
                                folder.toString(),
                                Integer.toString(port),
                                Integer.toString(advertised)),
                folder.resolve("output"));
    }

    static void awaitListening(int port) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .ignoreExceptions()
                .until(
                        () -> {
                            try (Socket socket = new Socket()) {
                                socket.connect(new InetSocketAddress("127.0.0.1", port), 500);
                                return true;
                            }
                        });
    }

    @Override
    public void close() {
        try {
            kill();
            Folders.delete(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// @param arguments the folder, the port and the advertised port; ends when it is killed
    public static void main(String[] arguments) throws Exception {
        Path log = Path.of(arguments[0]).resolve("log");
        int port = Integer.parseInt(arguments[1]);
        int advertised = Integer.parseInt(arguments[2]);
        if (advertised == port) {
            OpenBroker.start(log, port);
        } else {
            OpenBroker.start(log, port, advertised);
        }
        Thread.currentThread().join();
    }
}
