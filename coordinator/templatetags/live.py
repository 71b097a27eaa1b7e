"""`{% live "name" "topic" ... %} ... {% endlive %}`: a part of a page that follows its topics without a reload.

The page's `Live` object decides whether the region is wanted, still fresh in the browser, or known from another
viewer; only when it is none of these are its reader and its template run. On a page that is not live the tag shows
its content and nothing else.
"""

from typing import Any

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


class LiveNode(template.Node):
    def __init__(self, name: FilterExpression, topics: list[FilterExpression], content: NodeList) -> None:
        self.name, self.topics, self.content = name, topics, content

    def render(self, context: Any) -> SafeString:
        page = context.get("live")
        if page is None:
            return self.content.render(context)
        name = str(self.name.resolve(context))
        region = page.region(name, lambda facts: self._content(context, facts))
        if region is None:
            return mark_safe("")
        return format_html(
            '<div class="live" id="live-{}" data-live="{}" data-topics="{}" data-token="{}"{}>{}</div>',
            name,
            name,
            " ".join(str(topic.resolve(context)) for topic in self.topics),
            region.token,
            mark_safe(" data-same") if region.html is None else "",
            mark_safe(region.html or ""),
        )

    def _content(self, context: Any, facts: dict[str, Any]) -> str:
        with context.push(**facts):
            return str(self.content.render(context))


@register.tag
def live(parser: Parser, token: Token) -> LiveNode:
    name, *topics = (parser.compile_filter(bit) for bit in token.split_contents()[1:])
    content = parser.parse(("endlive",))
    parser.delete_first_token()
    return LiveNode(name, topics, content)
