"""HTML of the setup page, in Chinese and English, without external resources.

It runs in the captive-portal browser of a phone, which may have no file chooser, new windows,
clipboard or storage, and closes when the Wi-Fi is lost. So settings are typed, pasted or taken
from the link. The board keeps them, and tells each newly opened page the state of the setup.
"""

PAGE = """<!doctype html>
<html lang="zh"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>FeverGate</title>
<style>
:root{color-scheme:light dark;font:17px/1.5 system-ui,sans-serif}
body{margin:0 auto;max-width:34rem;padding:1.2rem}
[hidden]{display:none!important}
h1{font-size:1.4rem;margin:.2rem 0}
p{margin:.4rem 0}
label{display:block;font-weight:600;margin-top:1rem}
small{font-weight:400;display:block}
input,select,textarea,button{font:inherit;font-weight:400;width:100%;box-sizing:border-box;padding:.65rem;
margin-top:.3rem;border:1px solid #767676;border-radius:.5rem}
textarea{font-family:ui-monospace,monospace;resize:vertical}
.row{font-weight:400;margin-top:.4rem}
.row input{width:1.3rem;height:1.3rem;margin:0 .5rem 0 0;vertical-align:-.25rem}
details{margin-top:.6rem}
summary{padding:.5rem 0}
button{background:#0b6b3a;color:#fff;border:0;margin-top:1.4rem;font-weight:600}
button[disabled]{background:#5c5c5c}
#again{background:#7a5200}
#say{margin-top:1rem;padding:.8rem;border-radius:.5rem;color:#fff;white-space:pre-line}
#say:empty{display:none}
.bad{background:#b3261e}
.busy{background:#0b4f8a}
.good{background:#0b6b3a}
</style>
<main>
<h1>设备设置 <span lang="en">Set up this device</span></h1>
<form id="form">
<label>设置码 <span lang="en">Setup code</span>
<small>网关页面 → 测温机 → 这台测温机或灯柱 → “用手机设置” <span lang="en">· gateway's pages →
Kiosks → the kiosk or lamp post → “Set up by phone”: scan it, paste it, or type it</span></small>
<textarea id="given" rows="2" autocapitalize="characters" autocomplete="off"
spellcheck="false" placeholder="192.168.1.10:8443/ABCD-EFGH-…"></textarea></label>
<label>无线网络 <span lang="en">Wi-Fi at the gate</span>
<select id="net"><option value="">其他或隐藏 · other, hidden</option></select></label>
<label id="other">网络名称 <span lang="en">Its name</span>
<input id="ssid" maxlength="32" autocapitalize="none" autocorrect="off" autocomplete="off"
spellcheck="false"></label>
<label>无线密码 <span lang="en">Wi-Fi password</span>
<input id="password" type="password" maxlength="64" autocapitalize="none" autocomplete="off">
</label>
<label class="row"><input id="show" type="checkbox">显示 <span lang="en">show it</span></label>
<label>显示语言 <span lang="en">Language of the display</span>
<select id="language"><option value="zh">中文</option><option value="en">English</option></select>
</label>
<details><summary>没有网关页面？ <span lang="en">Without the gateway's page</span></summary>
<label>文件 kiosk.json <small>或把内容粘贴到上面 <span lang="en">· or paste what is in it above;
it holds a secret</span></small>
<input type="file" id="file" accept=".json,application/json"></label></details>
<button id="save">保存 Save</button>
<button id="again" type="button" hidden>仍然保存 Save all the same</button>
</form>
<div id="say" role="status" tabindex="-1"></div>
</main>
<script>
var $=function(i){return document.getElementById(i)},wifi="",tries=0,asked=0;
function say(kind,text){if($("say").textContent!=text){$("say").className=kind;
$("say").textContent=text;if(text)$("say").scrollIntoView({block:"nearest"})}}
function wait(on){$("save").disabled=on;if(on)$("again").hidden=true}
function ask(path,options){options=options||{};if(window.AbortController){
var c=new AbortController();options.signal=c.signal;setTimeout(function(){c.abort()},6000)}
return fetch(path,options).then(function(r){return r.json()})}
function later(ms){clearTimeout(asked);asked=setTimeout(look,ms)}
function other(){$("other").hidden=$("net").value!=""}
function nets(s){if($("net").length>1)return;s.networks.forEach(function(n){
var o=document.createElement("option");o.value=o.textContent=n;$("net").appendChild(o)});
if(s.ssid){$("net").value=s.ssid;if($("net").value!=s.ssid){$("net").value="";$("ssid").value=s.ssid}}
other()}
function look(){ask("/state").then(function(s){tries=0;wifi=s.wifi;nets(s);
if(s.given&&s.state!="busy")$("given").placeholder="已收到，可留空 · kept, may stay empty";
wait(s.state=="busy"||s.state=="saved");
if(s.state=="busy"){say("busy",s.text);later(1500)}
else if(s.state=="saved"){say("good",s.text);ask("/state?seen").catch(function(){})}
else if(s.text){say("bad",s.text);$("again").hidden=!s.anyway}
else if($("say").className=="busy")say("","")
}).catch(function(){if(tries++)say("busy","手机可能已离开设备的无线网络：请重新加入 "+wifi+
"，结果会留在这里，也显示在屏幕上\\nYour phone may have left the device's Wi-Fi. Join "+wifi+
" again: the result waits here, and on the display");later(2000)})}
function send(anyway){wait(true);say("busy","…");
ask("/settings",{method:"POST",headers:{"Content-Type":"application/json"},body:JSON.stringify({
given:$("given").value,ssid:$("net").value||$("ssid").value,password:$("password").value,
language:$("language").value,anyway:anyway})}).then(function(s){
if(s.error){say("bad",s.error);wait(false)}else later(500)
}).catch(function(){tries=1;later(500)})}
$("net").onchange=other;
$("show").onchange=function(){$("password").type=$("show").checked?"text":"password"};
$("file").onchange=function(){var f=$("file").files[0],r=new FileReader();
r.onload=function(){$("given").value=r.result};if(f)r.readAsText(f)};
$("form").onsubmit=function(e){e.preventDefault();send(false)};
$("again").onclick=function(){send(true)};
if(location.hash.length>1){$("given").value=location.hash.slice(1);
try{history.replaceState(null,"","/")}catch(e){}}
look();
</script>
</html>
"""
