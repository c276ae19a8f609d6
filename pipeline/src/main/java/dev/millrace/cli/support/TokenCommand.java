package dev.millrace.cli.support;

import dev.millrace.cli.CommandFailure;
import dev.millrace.cli.ExitCode;
import dev.millrace.cli.Terminal;
import dev.millrace.spec.access.AccessSetting.Role;
import dev.millrace.spec.access.AccessSetting.Token;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "token",
        description =
                "Make a random token for a person or a program, and print it once, with the line for"
                        + " access.tokens of the file. Connects to no server and stores nothing.",
        mixinStandardHelpOptions = true)
public final class TokenCommand implements Callable<Integer> {

    /// Shows scanners for secrets what it is.
    private static final String PREFIX = "millrace_";

    private static final int BYTES = 32;

    private final Terminal terminal;

    @Parameters(paramLabel = "NAME", description = "Who gets the token; the journal has this name.")
    private String name = "";

    @Option(
            names = "--role",
            required = true,
            paramLabel = "viewer|operator|approver",
            description = "What the token allows.")
    private Role role = Role.VIEWER;

    public TokenCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        if (!name.matches(Token.NAME)) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "'" + name + "' cannot be the name of a token.",
                    "Use a lower-case letter, then at most 39 of a-z, 0-9, '.', '_' and '-'.");
        }
        byte[] random = new byte[BYTES];
        new SecureRandom().nextBytes(random);
        String token = PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(random);
        terminal.err().println("The token. It is not shown again; set it as MILLRACE_TOKEN:");
        terminal.out().println(token);
        terminal.err().println("The line for access.tokens of the file:");
        terminal.out()
                .println(
                        "- {name: %s, role: %s, hash: 'sha256:%s'}"
                                .formatted(name, role.id(), Token.hashOf(token)));
        return ExitCode.DONE;
    }
}
