// Copyright (c) 2026, the messaging.nats authors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// nats-server's own parser, of the version that the role deploys.
module messaging.nats/tests/support/nats_conf_parser

go 1.26.0

require github.com/nats-io/nats-server/v2 v2.15.2
