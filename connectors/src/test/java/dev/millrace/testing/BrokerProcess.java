package dev.millrace.testing;

import dev.millrace.kafka.OpenBroker;
import dev.millrace.sandbox.LoopbackPort;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;

/// A broker in a process of its own, that can be killed and started again over the same log.
public final class BrokerProcess implements AutoCloseable {

    private final Path folder = TestFolders.create("broker");
    private final int port = LoopbackPort.free();
    private Process process;

    public BrokerProcess() {
        process = launch();
        awaitListening();
    }

    public String bootstrapServers() {
        return "127.0.0.1:" + port;
    }

    public void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    public void restart() {
        process = launch();
        awaitListening();
    }

    private Process launch() {
        try {
            return new ProcessBuilder(
                            JavaCommand.of("-Xmx512m")
                                    .main(
                                            BrokerProcess.class.getName(),
                                            folder.toString(),
                                            Integer.toString(port)))
                    .redirectErrorStream(true)
                    .redirectOutput(folder.resolve("output").toFile())
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void awaitListening() {
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
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
        process.destroyForcibly();
    }

    /// @param arguments the folder and the port; ends when it is killed
    public static void main(String[] arguments) throws Exception {
        OpenBroker.start(Path.of(arguments[0]).resolve("log"), Integer.parseInt(arguments[1]));
        Thread.currentThread().join();
    }
}
