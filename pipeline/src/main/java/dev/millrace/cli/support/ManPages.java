package dev.millrace.cli.support;

import dev.millrace.cli.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Manual pages of section 1 for a command and its subcommands, in the macros of man(7).
public final class ManPages {

    /// Writes the pages into a folder, when the distribution is built.
    @Command(
            name = "generate-man",
            description = "Write a manual page for each command into a folder.",
            mixinStandardHelpOptions = true,
            hidden = true)
    public static final class Writer implements Callable<Integer> {

        @Spec private CommandSpec spec = CommandSpec.create();

        @Parameters(paramLabel = "FOLDER", description = "The folder; it is created.")
        private Path folder = Path.of("man1");

        @Option(
                names = "--release",
                paramLabel = "VERSION",
                description = "The version that the pages show.")
        private String release = "";

        @Override
        public Integer call() throws IOException {
            Files.createDirectories(folder);
            for (Map.Entry<String, String> page :
                    of(spec.root().commandLine(), "millrace " + release).entrySet()) {
                Files.writeString(folder.resolve(page.getKey()), page.getValue());
            }
            return ExitCode.DONE;
        }
    }

    private final String version;
    private final Map<String, String> pages = new LinkedHashMap<>();

    private ManPages(String version) {
        this.version = version;
    }

    /// The pages by their file names, such as `millrace-status.1`. Hidden commands have none.
    ///
    /// @param version of the program, for the foot of each page
    public static Map<String, String> of(CommandLine program, String version) {
        ManPages man = new ManPages(version);
        man.add(program);
        return man.pages;
    }

    private void add(CommandLine command) {
        CommandSpec spec = command.getCommandSpec();
        pages.put(file(spec), page(command));
        subcommands(command).forEach(this::add);
    }

    private static Stream<CommandLine> subcommands(CommandLine command) {
        return command.getSubcommands().values().stream()
                .distinct()
                .filter(each -> !each.getCommandSpec().usageMessage().hidden());
    }

    private static String name(CommandSpec spec) {
        return spec.qualifiedName("-");
    }

    private static String file(CommandSpec spec) {
        return name(spec) + ".1";
    }

    private String page(CommandLine command) {
        CommandSpec spec = command.getCommandSpec();
        List<String> lines = new ArrayList<>();
        lines.add(
                ".TH \"%s\" \"1\" \"\" \"%s\" \"Millrace\""
                        .formatted(name(spec).toUpperCase(Locale.ROOT), version));
        lines.add(".nh");
        lines.add(".ad l");
        String description = String.join(" ", spec.usageMessage().description());
        section(lines, "NAME");
        lines.add(escaped(name(spec)) + " \\- " + escaped(firstSentence(description)));
        section(lines, "SYNOPSIS");
        lines.add(escaped(command.getHelp().synopsis(0).replaceAll("\\s+", " ").strip()));
        section(lines, "DESCRIPTION");
        lines.add(escaped(description));
        if (!spec.positionalParameters().isEmpty()) {
            section(lines, "ARGUMENTS");
            for (PositionalParamSpec argument : spec.positionalParameters()) {
                entry(lines, argument.paramLabel(), argument);
            }
        }
        section(lines, "OPTIONS");
        for (OptionSpec option : spec.options()) {
            if (!option.hidden()) {
                entry(lines, names(option), option);
            }
        }
        List<CommandLine> subcommands = subcommands(command).toList();
        if (!subcommands.isEmpty()) {
            section(lines, "COMMANDS");
            for (CommandLine each : subcommands) {
                CommandSpec sub = each.getCommandSpec();
                lines.add(".TP");
                lines.add("\\fB" + escaped(name(sub)) + "\\fR(1)");
                lines.add(
                        escaped(firstSentence(String.join(" ", sub.usageMessage().description()))));
            }
        }
        section(lines, "EXIT STATUS");
        lines.add(escaped(exitCodes(spec.root())));
        section(lines, "SEE ALSO");
        lines.add(
                spec.parent() == null
                        ? "README.md of the distribution"
                        : "\\fB" + escaped(name(spec.parent())) + "\\fR(1)");
        return lines.stream().collect(Collectors.joining("\n", "", "\n"));
    }

    private static void section(List<String> lines, String title) {
        lines.add(".SH \"" + title + "\"");
    }

    private static String names(OptionSpec option) {
        String names = String.join(", ", option.names());
        return option.arity().max() == 0 ? names : names + "=" + option.paramLabel();
    }

    private static void entry(List<String> lines, String names, ArgSpec argument) {
        lines.add(".TP");
        lines.add("\\fB" + escaped(names) + "\\fR");
        lines.add(escaped(String.join(" ", argument.description())));
    }

    private static String exitCodes(CommandSpec root) {
        return Stream.of(root.usageMessage().footer())
                .filter(line -> line.startsWith("Exit codes: "))
                .map(line -> line.substring("Exit codes: ".length()))
                .collect(Collectors.joining());
    }

    private static String firstSentence(String text) {
        int end = text.indexOf(". ");
        return (end < 0 ? text : text.substring(0, end)).replaceFirst("\\.$", "");
    }

    /// A text that begins no macro and has no escape. A plain hyphen would be set as a dash.
    private static String escaped(String text) {
        String plain = text.replace("\\", "\\e").replace("-", "\\-");
        return plain.startsWith(".") || plain.startsWith("'") ? "\\&" + plain : plain;
    }
}
