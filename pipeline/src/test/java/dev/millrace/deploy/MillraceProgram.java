package dev.millrace.deploy;

import dev.millrace.packaging.Distribution;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// How the program is started, in one place: by the launcher of the distribution that was packed.
final class MillraceProgram {

    private MillraceProgram() {}

    /// A process of its own, which finds in its environment what it is given and nothing else but
    /// the way to a Java.
    ///
    /// @param arguments the verb and its options
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
        // Started often and for a short while: what a compiler gains by more thought is lost here.
        builder.environment().put("MILLRACE_JAVA_OPTIONS", "-Xmx768m -XX:TieredStopAtLevel=1");
        builder.environment().putAll(environment);
        try {
            return builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
