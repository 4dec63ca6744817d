/* The subcommands, one line each: X(name, group, "one line of help"). The line and a file
 * daemon/cmd_NAME.c that defines cmd_NAME() (see command.h) are all that a new one needs. Within a
 * group they are shown in this order. This file is included more than once, on purpose. */
/* clang-format off */
X(run, LIVE, "Run the daemon: Kafka in, decisions, Kafka out, Redis behind")
X(sandbox, LIVE, "The daemon on an in-process broker and a private Redis, for a look")
X(topics, LIVE, "Create the topics that are missing, check those that are there")
X(recover, LIVE, "Show what is missing after a loss, and go on without it")
X(view, LIVE, "Scheduled callbacks as a page and an API: look, cancel, reschedule, reassign")
X(callbacks, LIVE, "The same on the command line: list, show, cancel, reschedule, reassign, export")
X(queues, LIVE, "Check and send what queues, agents and scripts are")
X(check, FILES, "Tell stories to the engine and compare what comes with what must")
X(simulate, FILES, "What callbacks would have done to your own call records")
X(replay, FILES, "Decide a recorded log again, to another log")
X(decode, LOGS, "Print a topic log as JSON lines")
X(diff, LOGS, "Compare the outputs in two topic logs")
X(export, LOGS, "Callbacks as CSV or JSON lines, for reports")
X(audit, OPERATE, "Compare Redis, the state topic and a replay, while the daemon runs")
X(dlq, OPERATE, "Dead letters: count them, look into them, send them again")
X(config, OPERATE, "Print the options in force and where each came from")
X(capture, LOGS, "Write topics into a file")
X(play, LOGS, "Send a file's records to the topics")
X(adapt, LOGS, "Turn events of Genesys Cloud, Amazon Connect or Twilio into ours")
X(help, HELP, "What a command does, its options, exit codes and examples")
X(manual, HELP, "The manual pages, and the same as Markdown or JSON")
X(completion, HELP, "What makes bash and zsh complete command lines")
/* clang-format on */
