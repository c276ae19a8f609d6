package dev.millrace.sandbox;

import java.nio.file.Path;

/// Runs a server until this process is killed. Prints the process id of the server.
final class ServerHolder {

    private ServerHolder() {}

    public static void main(String[] arguments) throws InterruptedException {
        SandboxSettings settings = SandboxSettings.durable(Path.of(arguments[1]));
        SandboxPostgres server = SandboxPostgres.start(Path.of(arguments[0]), settings);
        if (arguments.length > 2) {
            server.suspend();
        }
        System.out.println("pid " + server.pid());
        Thread.currentThread().join();
    }
}
