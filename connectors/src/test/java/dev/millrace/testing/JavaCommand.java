package dev.millrace.testing;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The command of another JVM: this one's Java and class path, and its choice of compilers,
/// collector, sizes of metaspace and code cache, and verification.
///
/// @param options before the class path
public record JavaCommand(List<String> options, String classPath) {

    public JavaCommand {
        options = List.copyOf(options);
    }

    public static JavaCommand of(String... options) {
        return new JavaCommand(List.of(options), System.getProperty("java.class.path"));
    }

    public JavaCommand over(List<String> entries) {
        return new JavaCommand(options, String.join(":", entries));
    }

    public List<String> main(String name, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(
                        argument ->
                                argument.matches(
                                        "-XX:(TieredStopAtLevel=|MetaspaceSize=|ReservedCodeCacheSize="
                                                + "|\\+Use\\w+GC|\\+Unlock|-BytecodeVerification).*"))
                .forEach(command::add);
        command.addAll(options);
        command.addAll(List.of("-cp", classPath, name));
        command.addAll(List.of(arguments));
        return command;
    }
}
