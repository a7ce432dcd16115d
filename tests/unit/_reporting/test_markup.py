# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTML elements: text is escaped, markup is not escaped again."""

from __future__ import annotations

from ansible_collections.messaging.nats.plugins.module_utils._reporting.markup import element, joined, raw


def test_text_and_attributes_are_escaped():
    assert element("p", "&", title='"<') == '<p title="&quot;&lt;">&amp;</p>'


def test_elements_in_an_element_are_not_escaped_again():
    assert element("p", element("b", "<"), raw("<br>"), 7) == "<p><b>&lt;</b><br>7</p>"
    assert joined(["<", element("i")]) == "&lt;<i></i>"


def test_names_of_attributes_and_attributes_without_a_value():
    assert (
        element("span", class_="bar", aria_hidden="true", title=None) == '<span class="bar" aria-hidden="true"></span>'
    )
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'
    assert element("circle", r=3) == '<circle r="3"/>'
