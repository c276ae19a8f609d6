package dev.millrace.cli;

import dev.millrace.grants.Grants;
import dev.millrace.grants.Grants.RoleGrants;
import dev.millrace.grants.Grants.Side;
import dev.millrace.grants.Grants.Use;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "grants",
        description =
                "Print the SQL that gives each login of the file the least it needs. Connects to no"
                        + " server.",
        mixinStandardHelpOptions = true)
final class GrantsCommand implements Callable<Integer> {

    private final Terminal terminal;
    @Mixin private SpecOption spec = new SpecOption();
    @Mixin private OutputOption output = new OutputOption();

    @Option(
            names = "--role",
            paramLabel = "ROLE",
            description =
                    "Only what a login needs as capture, apply, reconcile, switchover or ddl.")
    private @Nullable Use role;

    @Option(
            names = "--side",
            paramLabel = "SIDE",
            description = "Only the statements for the source or for the target.")
    private @Nullable Side side;

    GrantsCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        List<RoleGrants> grants =
                Grants.of(spec.readWithoutPasswords(terminal).spec()).stream()
                        .filter(each -> role == null || each.use() == role)
                        .filter(each -> side == null || each.side() == side)
                        .toList();
        if (output.isJson()) {
            printJson(grants);
        } else {
            grants.forEach(this::print);
        }
        if (grants.isEmpty()) {
            terminal.err().println("The file needs no such privilege.");
        }
        return ExitCode.DONE;
    }

    private void print(RoleGrants grants) {
        comment(
                grants.side().word()
                        + ", database "
                        + grants.database()
                        + ": login "
                        + grants.login()
                        + ", "
                        + grants.use().word()
                        + " ("
                        + grants.use().purpose()
                        + ")");
        grants.notes().forEach(this::comment);
        grants.statements().forEach(terminal.out()::println);
        terminal.out().println();
    }

    /// A name of the file may contain a line break, which would end the comment.
    private void comment(String text) {
        text.lines().map("-- "::concat).forEach(terminal.out()::println);
    }

    private void printJson(List<RoleGrants> grants) {
        List<Map<String, Object>> list = new ArrayList<>();
        for (RoleGrants each : grants) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("side", each.side().word());
            one.put("role", each.use().word());
            one.put("login", each.login());
            one.put("database", each.database());
            one.put("statements", each.statements());
            one.put("notes", each.notes());
            list.add(one);
        }
        terminal.out()
                .println(
                        JsonMapper.shared()
                                .writerWithDefaultPrettyPrinter()
                                .writeValueAsString(list));
    }
}
