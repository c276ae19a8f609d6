package dev.millrace.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cli.ExitCode;
import dev.millrace.testing.ChildProcess;
import dev.millrace.testing.JavaCommand;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A process of `run` in which a thread dies of an [Error] while another waits for a server.
class FatalErrorsIT {

    @TempDir private Path folder;

    /// A thread of the product in a state that no test can cause from outside.
    static final class Main {

        public static void main(String[] arguments) {
            Thread.ofPlatform().name("lost").start(Main::die);
            dev.millrace.app.Main.main(arguments);
        }

        private static void die() {
            try {
                System.in.read();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            throw new NoClassDefFoundError("dev/millrace/Removed");
        }
    }

    @Test
    @Tag("faults")
    void theProcessEndsWithTheThread() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            silent.setSoTimeout((int) Waits.LIMIT.toMillis());
            String side = "{url: 'jdbc:postgresql://127.0.0.1:%d/shop', username: u}";
            Path spec =
                    Files.writeString(
                            folder.resolve("millrace.yaml"),
                            "migration: lost\nsource: %1$s\ntarget: %1$s\ntables:\n  public.a: SELECT * FROM public.a\n"
                                    .formatted(side.formatted(silent.getLocalPort())));
            try (ChildProcess service =
                    ChildProcess.start(
                            JavaCommand.of("-Xmx256m")
                                    .main(
                                            Main.class.getName(),
                                            "run",
                                            "-c",
                                            spec.toString(),
                                            "--port",
                                            "0"),
                            folder.resolve("output"))) {
                // From here on `run` waits for an answer.
                try (Socket _ = silent.accept()) {
                    service.tell("die");

                    assertThat(service.awaitEnd(Waits.LIMIT))
                            .as(service.said())
                            .hasValue(ExitCode.FAILED);
                }
                assertThat(service.said())
                        .contains(
                                "a thread ended with an error that cannot be handled, so the service ends",
                                "java.lang.NoClassDefFoundError");
            }
        }
    }
}
