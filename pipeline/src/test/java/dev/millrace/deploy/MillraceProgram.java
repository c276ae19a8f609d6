package dev.millrace.deploy;

import dev.millrace.packaging.Distribution;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Starts the program with the launcher of the packaged distribution.
final class MillraceProgram {

    private MillraceProgram() {}

    /// Starts a process whose environment has only the given variables, `PATH` and `JAVA_HOME`.
    ///
    /// @param arguments command and options
    static Process start(
            Path folder, Map<String, String> environment, List<String> arguments, Path output) {
        List<String> line = new ArrayList<>();
        line.add(Distribution.launcher().toString());
        line.addAll(arguments);
        ProcessBuilder builder =
                new ProcessBuilder(line)
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile());
        String path = builder.environment().getOrDefault("PATH", "/usr/bin:/bin");
        builder.environment().clear();
        builder.environment().put("PATH", path);
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        // Short-lived processes do not profit from the second JIT compiler and a parallel
        // collector.
        builder.environment()
                .put(
                        "MILLRACE_JAVA_OPTIONS",
                        "-Xmx768m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:MetaspaceSize=256m");
        builder.environment().putAll(environment);
        try {
            return builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
